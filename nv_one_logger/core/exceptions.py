"""The one hierarchy of exceptions of this library, and the check that raises its root."""

from __future__ import annotations

from typing import Any, Iterable, Optional, Tuple

from nv_one_logger.core.internal.held_values import type_name
from nv_one_logger.core.internal.redaction import redacted

__all__ = ["ConfigError", "ConfigErrors", "OneLoggerError", "PluginError", "assert_that"]

_UNSET = object()

# What a text shows of a value, of a key or source, and of a problem, in characters; and of how many mistakes.
_MAX_VALUE = 200
_MAX_KEY = 500
_MAX_PROBLEM = 2000
_MAX_ERRORS = 100


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
    are attributes of the same names, so nobody needs to parse the text. In the text, long ones are cut and what cannot
    be printed is escaped, so that any terminal and any log can show it.

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
        # What a secret variable of the environment was put into may be anything, a class path too.
        super().__init__(redacted(self._text()))

    @property
    def subject(self) -> str:
        """``<key> = <value>`` as the text shows it, or the one of the two that was given."""
        key = _on_one_line(self.key)
        if not self.has_value:
            return key
        return f"{key} = {_value_text(self.value)}" if key else _value_text(self.value)

    def _text(self) -> str:
        sentence = f"{self.subject} {_printable(self.problem)}".strip()
        text = f"{_on_one_line(self.source)}: {sentence}" if self.source else sentence
        if not self.remedy:
            return text
        return f"{_sentence(text)} {_sentence(_printable(self.remedy))}"


class ConfigErrors(ConfigError):  # noqa: N818  # it is several of them
    """All mistakes of one configuration at once, one per line of the text, which shows the first hundred.

    Attributes:
        errors: The single mistakes, in the order they were found.
    """

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors: Tuple[ConfigError, ...] = tuple(errors)
        lines = [str(error) for error in self.errors[:_MAX_ERRORS]]
        if len(self.errors) > _MAX_ERRORS:
            lines.append(f"... and {len(self.errors) - _MAX_ERRORS} more mistakes.")
        super().__init__("\n".join(lines))


def _value_text(value: object) -> str:
    try:
        return _cut(repr(value), _MAX_VALUE)
    except Exception:  # a hostile __repr__, or digits beyond the interpreter's limit
        return f"<{type_name(type(value))} without a text>"


def _on_one_line(text: str) -> str:
    return _cut("".join(character if character.isprintable() else _escaped(character) for character in text), _MAX_KEY)


def _printable(text: str) -> str:
    """Return a text, which may be that of somebody else's exception, without what can steer a terminal."""
    if text.isprintable():
        return _cut(text, _MAX_PROBLEM)
    cut = _cut(text, _MAX_PROBLEM)
    return "".join(one if one.isprintable() or one in "\n\t" else _escaped(one) for one in cut)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[: length - 20]} ... {text[-20:]} ({len(text)} characters)"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def assert_that(condition: Any, message: str) -> None:
    """Raise unless ``condition`` is truthy; never compiled away, unlike ``assert``.

    Raises:
        OneLoggerError: ``condition`` is falsy.
    """
    if not condition:
        raise OneLoggerError(message)
