from __future__ import annotations

import pytest

from nv_one_logger.cli.plugins.docstrings import argument_texts, summary

GOOGLE = """Delivers spans.

    A second paragraph.

    Args:
        url: Where to: the server,
            with its port.
        *names (str): Which.

    Raises:
        ValueError: Never mind.
    """

NUMPY = """Delivers
    spans.

    Parameters
    ----------
    url : str
        Where to.
    names
        Which
        ones.

    Returns
    -------
    nothing : None
        Really.
    """

SPHINX = """Make it.

        :param url: Where to.
        :param str names: Which
            ones.
        :raises ValueError: never
        """


def class_with(docstring: object, of_constructor: object = None) -> type:
    def construct(self: object, url: str, names: str) -> None:
        pass

    construct.__doc__ = of_constructor  # type: ignore[assignment]  # anything may stand there
    return type("Documented", (), {"__doc__": docstring, "__init__": construct})


@pytest.mark.parametrize(
    ("found", "texts"),
    [
        (class_with(GOOGLE), {"url": "Where to: the server, with its port.", "names": "Which."}),
        (class_with(NUMPY), {"url": "Where to.", "names": "Which ones."}),
        (class_with(None, SPHINX), {"url": "Where to.", "names": "Which ones."}),
        (class_with("Parameters\n----------\nurl\n  Where to."), {"url": "Where to."}),
        (class_with("Silent.", "Args are not explained."), {}),
        (class_with(3), {}),
        (type("Inherits", (), {}), {}),
    ],
)
def test_text_of_each_argument_is_found(found: type, texts: object) -> None:
    assert argument_texts(found) == texts


def test_class_has_the_last_word_over_its_constructor() -> None:
    both = class_with("It.\n\nArgs:\n  url: As the class says.", "It.\n\nArgs:\n  url: Otherwise.\n  more: Also this.")
    assert argument_texts(both) == {"url": "As the class says.", "more": "Also this."}


@pytest.mark.parametrize(("docstring", "line"), [(NUMPY, "Delivers spans."), (3, ""), (None, "")])
def test_summary_is_the_first_paragraph_on_one_line(docstring: object, line: str) -> None:
    assert summary(class_with(docstring)) == line
