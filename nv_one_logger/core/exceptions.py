"""The one hierarchy of exceptions of this library, and the check that raises its root."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Tuple

__all__ = ["ConfigError", "ConfigErrors", "OneLoggerError", "PluginError", "assert_that"]

_UNSET = object()


class OneLoggerError(Exception):
    """Root of every error this library raises, so that one ``except`` is enough."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PluginError(OneLoggerError):
    """A plugin cannot take part: it fits no hookspec, its name is taken, or it failed to start."""


class ConfigError(OneLoggerError):
    """One mistake in one configuration, with where it stands and what to do about it.

    The text is ``<source>: <key> = <value> <problem>. <remedy>``, each part only when given. The parts
    are attributes of the same names, so nobody needs to parse the text.

    Attributes:
        file: Path of the file it stands in, ``""`` for other sources.
        line: Line in that file, counted from 1.
        column: Column in that line, counted from 1.
    """

    def __init__(
        self,
        problem: str,
        *,
        source: str = "",
        key: str = "",
        value: object = _UNSET,
        remedy: str = "",
        file: str = "",
        line: Optional[int] = None,
        column: Optional[int] = None,
    ) -> None:
        self.problem = problem
        self.source = source
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.has_value = value is not _UNSET
        self.value = value if self.has_value else None
        self.remedy = remedy
        super().__init__(self._text())

    def _text(self) -> str:
        subject = f"{self.key} = {self.value!r}" if self.key and self.has_value else self.key
        if not self.key and self.has_value:
            subject = repr(self.value)
        sentence = f"{subject} {self.problem}".strip()
        text = f"{self.source}: {sentence}" if self.source else sentence
        if not self.remedy:
            return text
        return f"{_sentence(text)} {_sentence(self.remedy)}"


class ConfigErrors(ConfigError):  # noqa: N818  # it is several of them
    """All mistakes of one configuration at once, one per line of the text.

    Attributes:
        errors: The single mistakes, in the order they were found.
    """

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors: Tuple[ConfigError, ...] = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def assert_that(condition: Any, message: str) -> None:
    """Raise unless ``condition`` is truthy; never compiled away, unlike ``assert``.

    Raises:
        OneLoggerError: ``condition`` is falsy.
    """
    if not condition:
        raise OneLoggerError(message)
