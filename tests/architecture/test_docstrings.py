"""Every public thing says what it is."""

from __future__ import annotations

import ast
from typing import Any, Iterator, List, Sequence, Tuple, Union

_Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# What they override, declare or complete carries the docstring.
_EXEMPTING_DECORATORS = {"override", "overload", "setter", "deleter"}


def public_definitions(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[Tuple[str, _Definition]]:
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from public_definitions([*node.body, *node.orelse], prefix)
        if not isinstance(node, _DEFINITIONS) or node.name.startswith("_"):
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body, f"{prefix}{node.name}.")


def is_exempt(node: _Definition) -> bool:
    names = (getattr(item, "attr", getattr(item, "id", "")) for item in node.decorator_list)
    return any(name in _EXEMPTING_DECORATORS for name in names)


def test_every_module_has_a_docstring(modules: Sequence[Any]) -> None:
    assert [m.path.as_posix() for m in modules if not ast.get_docstring(m.tree)] == []


def test_every_public_class_function_and_method_has_a_docstring(modules: Sequence[Any]) -> None:
    missing = [
        f"{module.path.as_posix()}:{node.lineno}: {name}"
        for module in modules
        for name, node in public_definitions(module.tree.body)
        if not is_exempt(node) and not ast.get_docstring(node)
    ]
    assert missing == []


def test_every_name_in_all_exists(modules: Sequence[Any]) -> None:
    wrong: List[str] = []
    for module in modules:
        defined = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
        defined |= {node.name for node in ast.walk(module.tree) if isinstance(node, _DEFINITIONS)}
        imports = (node for node in ast.walk(module.tree) if isinstance(node, (ast.Import, ast.ImportFrom)))
        defined |= {alias.asname or alias.name for node in imports for alias in node.names}
        wrong.extend(f"{module.name}.{name}" for name in exported_names(module.tree) if name not in defined)
    assert wrong == []


def exported_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign)
            yield from ast.literal_eval(node.value)
