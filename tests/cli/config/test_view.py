from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from nv_one_logger.cli.config.checking import Mistake
from nv_one_logger.cli.config.view import print_explanation, print_mistakes
from nv_one_logger.core.exceptions import ConfigError


def shown(*mistakes: Mistake, width: int = 100, terminal: bool = False) -> str:
    stream = io.StringIO()
    print_mistakes(Console(file=stream, width=width, force_terminal=terminal, color_system=None), mistakes)
    return stream.getvalue()


def test_mistake_is_shown_with_its_line_a_caret_and_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("exporters:\n  - class_name: fil\n")
    error = ConfigError(
        "is no exporter",
        file=str(path),
        line=2,
        column=17,
        key="exporters[0].class_name",
        value="fil",
        remedy="Mend it",
    )
    assert shown(Mistake(error, is_warning=False)) == (
        f"{path}:2:17: error: exporters[0].class_name = 'fil' is no exporter\n"
        "  2 |   - class_name: fil\n"
        "    |                 ^\n"
        "      Mend it.\n"
    )


def test_mistake_of_no_file_names_its_source() -> None:
    error = ConfigError("is odd", source="acme 1.2", key="get_default_config()", remedy="Why?")
    assert shown(Mistake(error, is_warning=True)) == ("acme 1.2: warning: get_default_config() is odd\n     Why?\n")
    assert shown(Mistake(ConfigError("It is odd"), is_warning=False)) == "configuration: error: It is odd\n"


def test_terminal_wraps_words_and_keeps_the_caret_below_its_place(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: " + "b" * 200)
    error = ConfigError("is odd " * 20, file=str(path), line=1, column=150, key="a", remedy="word " * 40)
    lines = shown(Mistake(error, is_warning=False), width=60, terminal=True).splitlines()
    assert max(map(len, lines)) <= max(60, len(str(path)) + 20)
    (caret,) = [line.index("^") for line in lines if "^" in line]
    (marked,) = [line for line in lines if "bbb" in line]
    assert marked[caret] == "b"


def test_explanation_is_word_for_word_in_a_pipe_and_indented_on_a_terminal() -> None:
    text = "one-logger configuration\n  on      file\n          key = " + "v " * 40 + "<- x\n            beats 1  <- y"
    for terminal in (False, True):
        stream = io.StringIO()
        print_explanation(Console(file=stream, width=60, force_terminal=terminal, color_system=None), text)
        if terminal:
            lines = [line.rstrip() for line in stream.getvalue().splitlines()]
            assert lines[3].startswith("          v v")
        else:
            assert stream.getvalue() == text + "\n"
