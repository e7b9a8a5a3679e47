"""Both distributions installed side by side, as an upgrade from 2.3.1 leaves them."""

from __future__ import annotations

from importlib import metadata
from typing import Dict, Optional

from nv_one_logger.core.internal.installation import version_conflict

CORE = "nv-one-logger-core"
TRAINING_TELEMETRY = "nv-one-logger-training-telemetry"


def shared_files(distribution: str) -> Dict[str, Optional[str]]:
    """Return what pip recorded of the files under training_telemetry: their paths and digests."""
    files = metadata.distribution(distribution).files or []
    recorded = {file.as_posix(): file.hash.value if file.hash else None for file in files}
    return {path: digest for path, digest in recorded.items() if "/training_" in path and "__pycache__" not in path}


def test_both_own_the_same_files() -> None:
    assert shared_files(TRAINING_TELEMETRY) == shared_files(CORE) != {}


def test_both_have_one_version_and_no_conflict_is_reported() -> None:
    assert metadata.version(TRAINING_TELEMETRY) == metadata.version(CORE)
    assert version_conflict() is None


def test_the_former_import_paths_work() -> None:
    import nv_one_logger.training_recorder
    from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

    assert nv_one_logger.training_recorder.__doc__
    assert callable(TrainingTelemetryProvider.instance)
