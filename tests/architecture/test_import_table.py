"""Imports point one way. The table is the one in docs/architecture.md."""

from __future__ import annotations

import ast
import sys
from typing import Any, Collection, Dict, FrozenSet, Iterator, Sequence, Set, Tuple

import pytest

_BASE = ("core", "exporter", "host", "config", "recorder", "api")
_EVERYTHING = (*_BASE, "training_telemetry", "reader", "testing", "cli")

# Layer -> layers that it may import, itself aside.
MAY_IMPORT: Dict[str, FrozenSet[str]] = {
    "core": frozenset(),
    "exporter": frozenset({"core"}),
    "host": frozenset({"core", "exporter"}),
    "config": frozenset({"core", "exporter", "host"}),
    "recorder": frozenset({"core", "exporter", "host", "api"}),
    "api": frozenset({"core"}),
    "training_telemetry": frozenset(_BASE),
    "training_recorder": frozenset(),
    "reader": frozenset({"core"}),
    "testing": frozenset(_EVERYTHING) - {"cli"},
    "cli": frozenset(_EVERYTHING) - {"testing"},  # nothing imports the kit for tests
}

# Layer -> other distributions that it may import: those of pyproject.toml, and what pydantic itself needs
# (pydantic_core, typing_extensions).
MAY_REQUIRE: Dict[str, FrozenSet[str]] = {
    "core": frozenset(),
    "exporter": frozenset({"importlib_metadata", "overrides", "pluggy", "pydantic_core"}),
    "host": frozenset({"importlib_metadata", "pluggy"}),
    "config": frozenset({"pydantic", "typing_extensions", "yaml"}),
    "recorder": frozenset({"overrides"}),
    "api": frozenset({"overrides", "pydantic"}),
    "training_telemetry": frozenset({"overrides", "pydantic"}),
    "training_recorder": frozenset(),
    "reader": frozenset({"pydantic_core"}),
    "testing": frozenset({"overrides", "pluggy", "pytest"}),
    "cli": frozenset({"click", "rich"}),
}

# (module, layer) -> why the reference's import paths, which programs depend on, force it.
EXCEPTIONS = {
    ("nv_one_logger.core.internal.logging", "api"): "get_logger looks up the provider's logger configuration",
    ("nv_one_logger.core.internal.safe_execution", "api"): "the guards look up the provider's error strategy",
    ("nv_one_logger.exporter.export_config_manager", "config"): "a thin public front of config, at its former path",
    ("nv_one_logger.exporter.export_config_manager", "host"): "its entry points are replaced by tests at that path",
}


def imported_names(node: ast.AST) -> Iterator[str]:
    """Yield the dotted names of every import that happens at run time, also those inside functions."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        # `from nv_one_logger import host` names the layer only in its second half.
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    only_else = isinstance(node, ast.If) and _is_type_checking(node.test)
    for child in getattr(node, "orelse", []) if only_else else ast.iter_child_nodes(node):
        yield from imported_names(child)


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def layers_imported(module: Any) -> Set[str]:
    names = (name.split(".") for name in imported_names(module.tree))
    return {parts[1] for parts in names if parts[0] == "nv_one_logger"} - {module.layer}


def requirements_imported(module: Any) -> Set[str]:
    roots = {name.split(".")[0] for name in imported_names(module.tree)}
    return {root for root in roots if root != "nv_one_logger" and not _is_standard(root)}


def _is_standard(root: str) -> bool:
    # Before 3.10 Python cannot list its own modules: there only what some layer requires counts, newer ones see more.
    names: Collection[str] = getattr(sys, "stdlib_module_names", ())
    return root in names or root == "tomllib" or not (names or root in _REQUIRED_SOMEWHERE)


_REQUIRED_SOMEWHERE: FrozenSet[str] = frozenset().union(*MAY_REQUIRE.values())


def violations(modules: Sequence[Any]) -> Set[Tuple[str, str]]:
    return {(m.name, layer) for m in modules for layer in layers_imported(m) - MAY_IMPORT[m.layer]}


def test_every_part_of_the_library_is_in_the_table(modules: Sequence[Any]) -> None:
    assert {module.layer for module in modules} <= set(MAY_IMPORT)


def test_imports_follow_the_table(modules: Sequence[Any]) -> None:
    assert sorted(violations(modules) - set(EXCEPTIONS)) == []


def test_every_exception_is_still_needed(modules: Sequence[Any]) -> None:
    assert sorted(set(EXCEPTIONS) - violations(modules)) == []


# The shipped example is a PyTorch script; it imports PyTorch when it is run, and nothing imports the example.
_EXAMPLE = ("nv_one_logger.training_telemetry.docs.example", "torch")


def test_only_declared_distributions_are_imported(modules: Sequence[Any]) -> None:
    found = {(m.name, root) for m in modules for root in requirements_imported(m) - MAY_REQUIRE[m.layer]}
    assert sorted(found - {_EXAMPLE}) == []


def test_only_the_host_wraps_the_plugin_manager(modules: Sequence[Any]) -> None:
    users = [m.name for m in modules if any(name.startswith("pluggy.PluginManager") for name in _uses(m.tree))]
    assert users in ([], ["nv_one_logger.host.host"])


def _uses(tree: ast.Module) -> Iterator[str]:
    yield from imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("import a.b", ["a.b"]),
        ("from a import b, c", ["a.b", "a.c"]),
        ("def f():\n    import a", ["a"]),
        ("if TYPE_CHECKING:\n    import a", []),
        ("import typing\nif typing.TYPE_CHECKING:\n    import a\nelse:\n    import b", ["typing", "b"]),
        ("try:\n    import a\nexcept ImportError:\n    import b", ["a", "b"]),
    ],
)
def test_the_reader_of_imports_sees_what_runs(program: str, names: Sequence[str]) -> None:
    assert list(imported_names(ast.parse(program))) == list(names)
