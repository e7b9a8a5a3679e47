from __future__ import annotations

import re

from nv_one_logger.cli import exit_codes
from nv_one_logger.cli.app import one_logger


def test_help_explains_every_exit_code() -> None:
    explained = {int(code) for code in re.findall(r"^  (\d+) ", one_logger.epilog or "", re.MULTILINE)}
    assert explained == {getattr(exit_codes, name) for name in exit_codes.__all__}
