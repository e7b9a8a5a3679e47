"""Whatever a configuration file holds, the answer is plugins or one error whose text anybody can show."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nv_one_logger.config import Switches, build, load_sources, resolve
from nv_one_logger.config.reading import MAX_BYTES
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.host.catalogue import Catalogue

LONGEST_MESSAGE = 400_000  # a hundred mistakes of four parts each

some = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Configure = Callable[[bytes, str], Optional[ConfigError]]


@pytest.fixture(scope="session")
def configure(tmp_path_factory: pytest.TempPathFactory) -> Configure:
    """Configure with a file of this content and format, and return the error; exporters are made and not opened."""
    folder = tmp_path_factory.mktemp("files")

    def run(content: bytes, suffix: str) -> Optional[ConfigError]:
        path = folder / f"conf{suffix}"
        path.write_bytes(content)
        try:
            sources = load_sources(None, path, environ={"HOME": "/", "ODD": "\udc80", "A_TOKEN": "hunter2"})
            resolution = resolve([sources], Catalogue(dict), Switches())
            build(resolution, one_logger_config=None, quiet=False, strict=True)
        except ConfigError as error:
            found = error
        else:
            return None
        assert_can_be_shown(str(found))
        assert "hunter2" not in str(found)
        return found

    return run


def assert_can_be_shown(text: str) -> None:
    text.encode("utf-8")
    assert all(character.isprintable() or character in "\n\t" for character in text)
    assert 0 < len(text) < LONGEST_MESSAGE


# --- bytes and texts -------------------------------------------------------------------------------------------------

# What means something to a parser, our reader or the log; of other characters hypothesis thinks itself.
WORD_LIST = """
exporters inherit class_name name config enabled background file logger file_path max_bytes fsync {rank} ${HOME} ${ODD}
${A_TOKEN} ${NONE} ${NONE:-x} $${ api_key true no null ~ 0x1f 017 1:30 .inf 1e400 2024-02-30 !!bool !!int !!set !!binary
!!python/name:os.system ! & * &a *a << | > %YAML --- ... - : ? , [ ] { } ' " # @ ` \\
"""
WORDS = st.sampled_from(WORD_LIST.split())
GLUE = st.sampled_from(["", " ", "\n", "\n  ", "\n    ", ": ", ":", "\n- ", "\t", "\r\n", "\ufeff", "\u2028", "\0"])
SCRAPS = st.lists(st.one_of(WORDS, GLUE, st.text(max_size=4)), max_size=60).map("".join)


@some
@given(content=st.binary(max_size=200), suffix=st.sampled_from([".yaml", ".json"]))
def test_any_bytes_are_read_or_refused(configure: Configure, content: bytes, suffix: str) -> None:
    assert configure(content, suffix) is not None


@some
@given(text=SCRAPS, suffix=st.sampled_from([".yml", ".json"]))
@example(text="exporters: !!int ''", suffix=".yml")
@example(text="exporters: !!timestamp x", suffix=".yml")
@example(text="[" * 100_000, suffix=".json")
@example(text="- " * 50_000, suffix=".yaml")
def test_any_scraps_of_yaml_and_json_are_read_or_refused(configure: Configure, text: str, suffix: str) -> None:
    configure(text.encode("utf-8", "surrogatepass"), suffix)


# --- structures ------------------------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**4000, -(10**399), 2**63, 0, -1]),
    st.floats(),
    st.text(max_size=8),
    WORDS,
    st.sampled_from(["\ud800", "a\0b", "\x1b[2J", "../../x", "x" * 3000]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
CLASSES = st.sampled_from(["file", "logger", "fil", "os.path", "subprocess.Popen", "builtins:eval", "json.JSONEncoder"])
ARGUMENTS = st.sampled_from(["file_path", "fsync", "max_bytes", "backup_count", "logger", "max_queue", "password"])
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "class_name": CLASSES | SCALARS.filter(lambda value: not isinstance(value, str)),
        "name": VALUES,
        "enabled": VALUES,
        "background": VALUES | st.dictionaries(ARGUMENTS, VALUES, max_size=2),
        "config": VALUES | st.dictionaries(ARGUMENTS, VALUES, max_size=3),
        "clas_name": VALUES,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"exporters": st.lists(ENTRIES | VALUES, max_size=4) | VALUES, "inherit": VALUES, "x": VALUES}
)


@some
@given(document=DOCUMENTS)
def test_any_structure_means_the_same_in_yaml_and_json(configure: Configure, document: Dict[str, Any]) -> None:
    in_json = configure(json.dumps(document).encode(), ".json")
    in_yaml = configure(yaml.safe_dump(document, allow_unicode=False).encode("utf-8", "surrogatepass"), ".yaml")
    if in_yaml is None:
        # JSON has no infinities and no numbers beyond what Python reads.
        assert in_json is None or "which JSON does not have" in str(in_json), document


@some
@given(entries=st.lists(st.one_of(ENTRIES, VALUES), max_size=4))
def test_any_structure_in_code_is_taken_or_refused(entries: List[Any]) -> None:
    try:
        resolution = resolve([load_sources(entries, environ={})], Catalogue(dict), Switches())
        build(resolution, one_logger_config=None, quiet=False, strict=True)
    except ConfigError as error:
        assert_can_be_shown(str(error))


def test_objects_that_answer_nothing_are_refused_in_code(all_hostile_values: Dict[str, Any]) -> None:
    for value in all_hostile_values.values():
        for entry in (value, {"class_name": value}, {"class_name": "file", "config": value, "enabled": value}):
            with pytest.raises(ConfigError) as raised:
                build(
                    resolve([load_sources([entry], environ={})], Catalogue(dict), Switches()),
                    one_logger_config=None,
                    quiet=False,
                    strict=True,
                )
            assert_can_be_shown(str(raised.value))


# --- size ------------------------------------------------------------------------------------------------------------


def bomb(levels: int, merge: bool) -> str:
    """A list of nine aliases of a list of nine aliases of ..., or the same with merge keys."""
    lines = ["a0: &a0 {x: 1}" if merge else "a0: &a0 [x]"]
    for level in range(1, levels):
        aliases = ",".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} " + (f"{{<<: [{aliases}]}}" if merge else f"[{aliases}]"))
    return "\n".join([*lines, "exporters: []"])


@pytest.mark.parametrize(
    ("text", "suffix", "problem"),
    [
        ("a" * 10_000_000, ".yaml", f"is larger than {MAX_BYTES} bytes"),
        ("[" * 10_000_000, ".json", f"is larger than {MAX_BYTES} bytes"),
        (bomb(30, merge=False), ".yaml", "becomes more than 20000 values when its aliases are followed"),
        (bomb(30, merge=True), ".yaml", "becomes more than 20000 values when its aliases are followed"),
        ("[" * 20_000, ".yaml", "is nested more than 50 deep"),
        ('{"a":' * 900 + "1" + "}" * 900, ".json", "is nested more than 50 deep"),
        ("exporters: 1" + ":59" * 80_000, ".yaml", "is a number of 240001 characters"),
    ],
    ids=["10 MB", "10 MB of brackets", "aliases", "merge keys", "depth", "depth in JSON", "base 60"],
)
def test_large_and_growing_files_are_refused_soon(configure: Configure, text: str, suffix: str, problem: str) -> None:
    started = time.process_time()
    error = configure(text.encode(), suffix)
    assert error is not None
    assert problem in str(error)
    assert time.process_time() - started < 10


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile", ["../../x", "/etc/passwd", "..", ".", "", "a\0b", "\ud800", "x\n", "{pid}", "~root", "C:\\x", "a" * 200]
)
def test_no_placeholder_leads_out_of_the_directory(tmp_path: Path, hostile: str) -> None:
    exporter = FileExporter(file_path=tmp_path / "in" / "{application_name}" / "x-{session_tag}.jsonl")

    class Config:
        application_name = hostile
        session_tag = hostile

    exporter.configure(Config())
    exporter.initialize()
    exporter.close()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 1
    assert (tmp_path / "in") in written[0].resolve().parents
