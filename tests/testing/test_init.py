from __future__ import annotations

import runpy
from typing import Any, Callable, Dict

import pytest

from nv_one_logger import testing

# A fresh copy: an installed distribution has the package imported when pytest starts, before coverage looks.
COPY: Dict[str, Any] = runpy.run_path(testing.__file__, run_name="nv_one_logger.testing")


def test_every_public_name_is_there_and_listed() -> None:
    for name in testing.__all__:
        assert getattr(testing, name) is COPY["__getattr__"](name)
    assert set(testing.__all__) <= set(COPY["__dir__"]())
    assert set(testing.__all__) <= set(dir(testing))


def test_unknown_name_is_an_attribute_error_as_usual() -> None:
    with pytest.raises(AttributeError, match="no attribute 'RecordingExportr'"):
        COPY["__getattr__"]("RecordingExportr")


def test_kit_works_without_pytest(run_python: Callable[..., Any]) -> None:
    run_python(
        "import sys\n"
        "sys.modules['pytest'] = None\n"
        "from nv_one_logger.testing import *\n"
        "with FakeClock() as clock:\n"
        "    clock.advance(1)\n"
        "assert RecordingExporter().calls == []\n"
    )
