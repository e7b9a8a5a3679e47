from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from nv_one_logger.report.html.embed import json_for_html, make_policy, script_for_html

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING)
def test_json_says_the_same_and_holds_no_markup(value: object) -> None:
    text = json_for_html(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_numbers_that_are_not_finite_become_null() -> None:
    assert json.loads(json_for_html([float("nan"), float("inf"), 1.5])) == [None, None, 1.5]


def test_lone_surrogates_can_be_written() -> None:
    assert json.loads(json_for_html("\udce4").encode("utf-8")) == "\udce4"


def test_script_cannot_end_its_element() -> None:
    assert script_for_html("a = '</SCRIPT><!--'") == r"a = '\x3c/SCRIPT>\x3c!--'"


def test_policy_allows_exactly_the_scripts_given() -> None:
    policy = make_policy(["one", "two"])
    digest = base64.b64encode(hashlib.sha256(b"two").digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
