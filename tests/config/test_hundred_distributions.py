"""A hundred plugins are installed and none is enabled: configuring the provider imports none of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

PROGRAM = """
import json, sys
sys.path.insert(0, SITE)
from nv_one_logger.host.catalogue import Catalogue
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

provider = TrainingTelemetryProvider.instance()
entry = {"class_name": "file", "config": {"file_path": "run.jsonl"}}
provider.with_export_config([entry]).configure_provider()
print(json.dumps({
    "plugins": [name for name, _ in provider.host.plugins()],
    "installed": sum(entry.name.startswith("idle") for entry in Catalogue().exporters()),
    "imported": [name for name in sys.modules if name.startswith("idle")],
}))
"""


def test_provider_imports_none_of_them(
    install: Callable[..., Path], site: Path, run_python: Callable[..., Any]
) -> None:
    for number in range(100):
        points = {"nv_one_logger.exporters": {f"idle{number}": f"idle_{number}:Exporter"}}
        install(f"idle-{number}", entry_points=points, modules={f"idle_{number}": "1 / 0\n"})

    found = json.loads(run_python(f"SITE = {str(site)!r}\n{PROGRAM}").stdout)

    assert found == {"plugins": ["file"], "installed": 100, "imported": []}
