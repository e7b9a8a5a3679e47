from __future__ import annotations

from nv_one_logger.exporter.internal.hookimpl import PROJECT_NAME, hookimpl
from nv_one_logger.host import hookimpl as public_hookimpl


def test_marker_is_the_one_of_the_host() -> None:
    @hookimpl
    def export_start() -> None:
        """Do nothing."""

    assert public_hookimpl is hookimpl
    assert hasattr(export_start, f"{PROJECT_NAME}_impl")
