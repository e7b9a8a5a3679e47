"""Entry point of the ``one-logger`` command."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Optional, Sequence

from nv_one_logger.cli.exit_codes import MISSING_EXTRA

__all__ = ["main"]

_NEEDED = ("click", "rich")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run ``one-logger`` and return its exit code (see ``exit_codes``).

    Args:
        arguments: What stands behind the program's name; by default that of this process.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"one-logger needs {' and '.join(missing)}, which the extra 'cli' brings. "
            "Run: pip install 'nv-one-logger-core[cli]'\n"
        )
        return MISSING_EXTRA
    from nv_one_logger.cli.app import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
