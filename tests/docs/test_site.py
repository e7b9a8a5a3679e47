"""The site has every page in its navigation, and every public name in its reference."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Set

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "nv_one_logger"
# Of these the packages speak for their modules; of the others every public module counts. The command line is no API.
FRONTS = {"config", "host", "reader", "testing"}
NO_API = {"cli", "training_recorder"}
# Modules beside the fronts that are documented, and so promised, too.
PROMISED = {
    "nv_one_logger.testing.conformance",
    "nv_one_logger.testing.pytest_plugin",
}
# Details of the recorder that its one public module offers or uses.
DETAILS = {
    "nv_one_logger.recorder.child_process",
    "nv_one_logger.recorder.current_span",
    "nv_one_logger.recorder.exporter_state",
    "nv_one_logger.recorder.misuse",
    "nv_one_logger.recorder.span_filter",
}


def paths_in(nav: Any) -> Iterator[str]:
    """Yield the files of a navigation, in order."""
    if isinstance(nav, str):
        yield nav
    else:
        for item in nav.values() if isinstance(nav, dict) else nav:
            yield from paths_in(item)


def test_every_page_is_in_the_navigation_once(pages: List[Any]) -> None:
    nav = list(paths_in(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert sorted(nav) == sorted(page.name[len("docs/") :] for page in pages if page.name.startswith("docs/"))


def test_index_leads_to_every_page_for_readers(page_named: Callable[[str], Any], pages: List[Any]) -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", page_named("docs/index.md").text))
    names = {page.name[len("docs/") :] for page in pages if page.name.startswith("docs/")}
    assert names - linked == {"index.md", *(name for name in names if re.match(r"reference/(?!index)", name))}


def names_in_all(path: Path) -> List[str]:
    """Return the names in the ``__all__`` of a module, without importing it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []


@lru_cache(maxsize=None)
def public_names() -> Dict[str, List[str]]:
    """Return the public names by module; one in several modules stands in each."""
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        if parts[1] in NO_API or "internal" in parts or any(p.startswith("_") for p in parts[1:] if p != "__init__"):
            continue
        if module not in DETAILS and (is_package or parts[1] not in FRONTS or module in PROMISED):
            found[module] = [name for name in names_in_all(path) if not name.startswith("_")]
    return found


@pytest.fixture(scope="module")
def documented(pages: List[Any]) -> Set[str]:
    """Return the paths that the reference has: those of whole modules, of chosen members, and of single objects."""
    modules = public_names()
    found: Set[str] = set()
    for page in pages:
        for path, members in re.findall(
            r"^::: ([\w.]+)\n(?:    options:\n      members: \[(.*)\]\n)?", page.text, re.MULTILINE
        ):
            names = members.split(", ") if members else modules.get(path, [])
            found.update(f"{path}.{name}" for name in names)
            found.add(path)
    return found


def defined_in(module: str, name: str) -> Set[str]:
    """Return the paths under which a name is known: its own, and those of the modules it was imported from."""
    path = LIBRARY.parent / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            return {f"{module}.{name}", *defined_in(str(node.module), name)}
    return {f"{module}.{name}"}


@pytest.mark.parametrize("module", sorted(public_names()))
def test_every_public_name_is_in_the_reference(module: str, documented: Set[str]) -> None:
    missing = [name for name in public_names()[module] if not defined_in(module, name) & documented]
    assert missing == []


def test_reference_has_nothing_private(documented: Set[str]) -> None:
    private = [path for path in documented if re.search(r"\.(_|internal\b)", path)]
    assert private == []
