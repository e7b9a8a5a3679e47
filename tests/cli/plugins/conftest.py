"""A distribution with one of everything."""

from __future__ import annotations

from typing import Any

import pytest

ACME = '''
    import enum
    import logging
    from pathlib import Path
    from typing import Callable, List, Optional

    from nv_one_logger.exporter.exporter import BaseExporter
    from nv_one_logger.host import hookimpl

    print("imported acme")


    class Mode(enum.Enum):
        FAST = "fast"
        SAFE = "safe"


    class AcmeExporter(BaseExporter):
        """Sends spans to Acme.

        Args:
            url: Where the server listens,
                with the port.
            retries (int): How often to try again.
            api_key: Who we are.
        """

        def __init__(
            self,
            url: str,
            *,
            retries: int = 3,
            mode: Mode = Mode.FAST,
            api_key: str = "none yet",
            on_error: Optional[Callable[[Exception], None]] = None,
            **options: object,
        ) -> None:
            super().__init__()

        def export_stop(self, span):
            pass

        @hookimpl
        def flush(self, timeout_sec):
            pass


    class Defaults:
        @staticmethod
        def get_default_config():
            return {"class_name": "acme", "config": {"url": "acme:1"}}
'''


@pytest.fixture
def acme(distribution: Any) -> None:
    """Install ``acme-telemetry`` 1.2, which publishes the exporter ``acme``, and enables nothing."""
    distribution("acme-telemetry", version="1.2", exporters={"acme": "acme:AcmeExporter"}, modules={"acme": ACME})
