from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

WITHOUT = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {missing!r} else find_spec(name, *rest)
from nv_one_logger.cli.main import main
code = main(["--help"])
assert "click" not in sys.modules
sys.exit(code)
"""


@pytest.mark.parametrize(("missing", "named"), [(["click", "rich"], "click and rich"), (["rich"], "rich")])
def test_missing_extra_is_named_with_the_command_that_brings_it(run_python: Any, missing: Any, named: str) -> None:
    done = run_python(WITHOUT.format(missing=missing), check=False)
    assert done.returncode == 3
    assert done.stderr == (
        f"one-logger needs {named}, which the extra 'cli' brings. Run: pip install 'nv-one-logger-core[cli]'\n"
    )


def test_main_returns_the_exit_code(run_python: Any, tmp_path: Path) -> None:
    program = "from nv_one_logger.cli.main import main; print(main(['--version']), main(['nothing']))"
    assert run_python(program).stdout.endswith("0 2\n")
