"""docs/configuration.md says what the code does: its worked example comes true, its list of errors is complete."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from nv_one_logger.config import Switches, load_sources, reading, resolve
from nv_one_logger.config.reading import MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_NUMBER
from nv_one_logger.host.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def blocks(language: str, section: str) -> List[str]:
    (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def documented_errors() -> List[str]:
    return [line for block in blocks("text", "Every error") for line in block.splitlines()]


def test_worked_example_is_what_happens(install: Callable[..., Path], workdir: Path) -> None:
    setup, defaults = blocks("python", "Package defaults and the catalogue")
    points = ast.literal_eval(re.findall(r"entry_points=(\{.*?\n    \})", setup, re.DOTALL)[0])
    install(
        "acme-telemetry",
        "1.2",
        entry_points={group: dict(line.split(" = ") for line in lines) for group, lines in points.items()},
        modules={"acme_telemetry": defaults},
    )
    (file,) = blocks("yaml", "A worked example")
    Path("one_logger_exporters_config.yaml").write_text(file)
    (program,) = blocks("python", "A worked example")
    (text,) = blocks("text", "A worked example")
    code = ast.literal_eval(re.findall(r"exporters_config=(\[.*?\n    \])", program, re.DOTALL)[0])

    sources = load_sources(code, environ={}, call_site="train.py:1")
    explanation = resolve([sources], Catalogue(), Switches()).explanation

    assert explanation.render() + "\n" == text


def gist(text: str) -> str:
    """A message with neighbouring things that differ taken together, so that ``(...: ...)`` is ``(...)``."""
    return re.sub(r"\.\.\.(?:(?:: | in | \()\.\.\.\)?)+", "...", text).replace("(... (...))", "(...)")


def shown(part: ast.expr) -> str:
    """Show one part of an f-string: its text, the value of a limit, or ``...``."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    name = part.value.id if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) else ""
    return str(getattr(reading, name, "...")) if name.startswith("MAX_") else "..."


def sources_of_errors() -> Iterator[str]:
    """Texts of all error messages in the code, f-strings with ``...`` for what differs."""
    for path in [*(ROOT / "nv_one_logger" / "config").glob("*.py"), ROOT / "nv_one_logger" / "host" / "catalogue.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(shown(part) for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


BEGINNINGS = r"(is|has|cannot|does|needs|becomes|contains|merges|only|names|replaces|raised|returned) |is missing"


@lru_cache(maxsize=None)
def problem_texts() -> List[str]:
    """The problems among them: phrases that begin as a predicate."""
    found = {text for text in sources_of_errors() if re.match(BEGINNINGS, text) and "\n" not in text}
    return sorted(text for text in found if len(text.split()) > 2 or text in ("is missing", "is empty"))


@pytest.mark.parametrize("problem", problem_texts())
def test_every_problem_in_the_code_is_documented(problem: str) -> None:
    assert any(gist(line).startswith(gist(problem)) for line in documented_errors())


@pytest.mark.parametrize("documented", documented_errors())
def test_every_documented_error_is_in_the_code(documented: str) -> None:
    assert any(gist(documented).startswith(gist(problem)) for problem in problem_texts())


def test_limits_are_stated() -> None:
    for limit in (MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_NUMBER):
        assert str(limit) in PAGE
