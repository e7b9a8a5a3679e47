"""Every mistake a configuration can contain, with the exact text it is reported with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Union

import pytest

from nv_one_logger.config import Switches, build, load_sources, resolve
from nv_one_logger.config.reading import MAX_BYTES, MAX_NODES
from nv_one_logger.core.exceptions import ConfigError, ConfigErrors
from nv_one_logger.host.catalogue import Catalogue


class Case(NamedTuple):
    name: str
    errors: List[str]
    file: Optional[Union[str, bytes]] = None
    code: Optional[List[object]] = None
    environ: Dict[str, str] = {}
    path: str = "conf.yaml"


CASES = [
    Case(
        "empty",
        file="",
        errors=[
            "conf.yaml: is empty. Write a list of exporters under the key 'exporters'.",
        ],
    ),
    Case(
        "list top",
        file="- class_name: file\n",
        errors=[
            (
                "conf.yaml, line 1, column 1: is a list, not a mapping. Write a list of exporters under the key "
                "'exporters'."
            ),
        ],
    ),
    Case(
        "no exporters",
        file="inherit: false\n",
        errors=[
            "conf.yaml, line 1, column 1: exporters is missing. Write 'exporters: []' for none.",
        ],
    ),
    Case(
        "exporters map",
        file=("exporters:\n  class_name: file\n"),
        errors=[
            (
                "conf.yaml, line 2, column 3: exporters is a mapping, not a list. Write one entry per exporter, "
                "each beginning with '- class_name:', or [] for none."
            ),
        ],
    ),
    Case(
        "exporters null",
        file="exporters:\n",
        errors=[
            (
                "conf.yaml, line 1, column 11: exporters is empty, not a list. Write one entry per exporter, each "
                "beginning with '- class_name:', or [] for none."
            ),
        ],
    ),
    Case(
        "top key",
        file=("exporter: []\nexporters: []\n"),
        errors=[
            "conf.yaml, line 1, column 1: exporter is not a known key. Did you mean 'exporters'?",
        ],
    ),
    Case(
        "entry text",
        file=("exporters:\n  - file\n"),
        errors=[
            (
                "conf.yaml, line 2, column 5: exporters[0] = 'file' is a text, not a mapping. Give it a class_name "
                "or a name."
            ),
        ],
    ),
    Case(
        "entry neither",
        file=("exporters:\n  - enabled: true\n"),
        errors=[
            (
                "conf.yaml, line 2, column 5: exporters[0] has neither a class_name nor a name. Say which exporter "
                "is meant, as in class_name: file."
            ),
        ],
    ),
    Case(
        "entry key",
        file=("exporters:\n  - class_name: file\n    conf: {file_path: x}\n"),
        errors=[
            (
                "conf.yaml, line 2, column 5: exporters[0].config.file_path is missing: FileExporter needs it "
                "(Union[Path, str]). Add file_path under config."
            ),
            "conf.yaml, line 3, column 5: exporters[0].conf is not a known key. Did you mean 'config'?",
        ],
    ),
    Case(
        "class int",
        file=("exporters:\n  - class_name: 7\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 7 is a number, not a text. YAML reads 7 "
                "without quotes as the number 7; write it in quotes."
            ),
        ],
    ),
    Case(
        "class yes",
        file=("exporters:\n  - class_name: yes\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = True is a truth value, not a text. YAML "
                "reads yes without quotes as true; write it in quotes."
            ),
        ],
    ),
    Case(
        "class blank",
        file=("exporters:\n  - class_name: ' file'\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = ' file' is empty or has blanks around it. "
                "Write a text."
            ),
        ],
    ),
    Case(
        "enabled text",
        file=("exporters:\n  - class_name: file\n    enabled: 'no'\n"),
        errors=[
            (
                "conf.yaml, line 2, column 5: exporters[0].config.file_path is missing: FileExporter needs it "
                "(Union[Path, str]). Add file_path under config."
            ),
            (
                "conf.yaml, line 3, column 14: exporters[0].enabled = 'no' is a text, not true or false. Write "
                "true or false, without quotes."
            ),
        ],
    ),
    Case(
        "enabled number",
        file=("exporters:\n  - class_name: file\n    enabled: 1\n"),
        errors=[
            (
                "conf.yaml, line 2, column 5: exporters[0].config.file_path is missing: FileExporter needs it "
                "(Union[Path, str]). Add file_path under config."
            ),
            (
                "conf.yaml, line 3, column 14: exporters[0].enabled = 1 is a number, not true or false. Write true "
                "or false, without quotes."
            ),
        ],
    ),
    Case(
        "config list",
        file=("exporters:\n  - class_name: file\n    config:\n      - file_path: x\n"),
        errors=[
            (
                "conf.yaml, line 4, column 7: exporters[0].config is a list, not a mapping. Write one argument per "
                "line below it, as in file_path: run.jsonl."
            ),
        ],
    ),
    Case(
        "inherit text",
        file=("inherit: nope\nexporters: []\n"),
        errors=[
            (
                "conf.yaml, line 1, column 10: inherit = 'nope' is a text, not true or false. Write true or false, "
                "without quotes."
            ),
        ],
    ),
    Case(
        "tab",
        file=("exporters:\n\t- class_name: file\n"),
        errors=[
            (
                "conf.yaml, line 2, column 1: is not valid YAML (while scanning for the next token, found "
                "character '\\t' that cannot start any token). Indent with blanks, not with tabs."
            ),
        ],
    ),
    Case(
        "colon",
        file=("exporters:\n  - class_name: file: x\n"),
        errors=[
            (
                "conf.yaml, line 2, column 21: is not valid YAML (mapping values are not allowed here). Correct "
                "it, or check the file with a YAML checker."
            ),
        ],
    ),
    Case(
        "bracket",
        file="exporters: [\n",
        errors=[
            (
                "conf.yaml, line 2, column 1: is not valid YAML (while parsing a flow node, expected the node "
                "content, but found '<stream end>'). Correct it, or check the file with a YAML checker."
            ),
        ],
    ),
    Case(
        "two docs",
        file=("exporters: []\n---\nexporters: []\n"),
        errors=[
            (
                "conf.yaml, line 2, column 1: is not valid YAML (expected a single document in the stream, but "
                "found another document). Correct it, or check the file with a YAML checker."
            ),
        ],
    ),
    Case(
        "dup",
        file=("exporters:\n  - class_name: file\n    config:\n      file_path: a\n      file_path: b\n"),
        errors=[
            (
                "conf.yaml, line 5, column 7: exporters[0].config.file_path is there twice, first in line 4. Keep "
                "one of the two."
            ),
        ],
    ),
    Case(
        "selfref",
        file=("exporters: &a\n  - *a\n"),
        errors=[
            "conf.yaml, line 1, column 12: exporters[0] contains itself through an alias. Write the value out.",
        ],
    ),
    Case(
        "alias",
        file="exporters: *nothing\n",
        errors=[
            (
                "conf.yaml, line 1, column 12: is not valid YAML (found undefined alias 'nothing'). Correct it, or "
                "check the file with a YAML checker."
            ),
        ],
    ),
    Case(
        "tag",
        file=("exporters:\n  - class_name: !!python/name:os.system x\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name has the tag !!python/name:os.system. Only "
                "plain values are read, remove the tag."
            ),
        ],
    ),
    Case(
        "octal",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      retries: 010\n"),
        errors=[
            (
                "conf.yaml, line 5, column 16: exporters[0].config.retries is 010, which YAML reads as the number "
                "8 (to the base 8). Write 10 for the number or '010' in quotes for text."
            ),
        ],
    ),
    Case(
        "base60",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: 12:30\n"),
        errors=[
            (
                "conf.yaml, line 4, column 12: exporters[0].config.url is 12:30, which YAML reads as the number "
                "750 (to the base 60). Write '12:30' in quotes for text."
            ),
        ],
    ),
    Case(
        "key on",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      on: y\n"),
        errors=[
            (
                "conf.yaml, line 5, column 7: exporters[0].config.on is not a text: YAML reads on without quotes "
                "as true. Write 'on' in quotes."
            ),
        ],
    ),
    Case(
        "str on",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: on\n"),
        errors=[
            (
                "conf.yaml, line 4, column 12: exporters[0].config.url = True does not fit str (Input should be a "
                "valid string). YAML reads on without quotes as true; write 'on' in quotes for text."
            ),
        ],
    ),
    Case(
        "str date",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: 2024-05-01\n"),
        errors=[
            (
                "conf.yaml, line 4, column 12: exporters[0].config.url = datetime.date(2024, 5, 1) does not fit "
                "str (Input should be a valid string). YAML reads 2024-05-01 without quotes as a date; write "
                "'2024-05-01' in quotes for text."
            ),
        ],
    ),
    Case(
        "str version",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: 1.10\n"),
        errors=[
            (
                "conf.yaml, line 4, column 12: exporters[0].config.url = 1.1 does not fit str (Input should be a "
                "valid string). YAML reads 1.10 without quotes as the number 1.1; write '1.10' in quotes for text."
            ),
        ],
    ),
    Case(
        "bad date",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: 2024-13-45\n"),
        errors=[
            (
                "conf.yaml, line 4, column 12: exporters[0].config.url cannot be read (month must be in 1..12). "
                "Write '2024-13-45' in quotes if it is a text."
            ),
        ],
    ),
    Case(
        "value that is not what its tag says",
        file="exporters: !!bool maybe\n",
        errors=[
            (
                "conf.yaml, line 1, column 12: exporters cannot be read (it is no !!bool). Write 'maybe' in quotes if "
                "it is a text."
            ),
        ],
    ),
    Case(
        "no number",
        file="exporters: !!int ''\n",
        errors=[
            (
                "conf.yaml, line 1, column 12: exporters cannot be read (it is no !!int). Write '' in quotes if it is "
                "a text."
            ),
        ],
    ),
    Case(
        "no date",
        file="exporters: !!timestamp today\n",
        errors=[
            (
                "conf.yaml, line 1, column 12: exporters cannot be read (it is no !!timestamp). Write 'today' in "
                "quotes if it is a text."
            ),
        ],
    ),
    Case(
        "huge number",
        file="exporters:\n  - class_name: file\n    enabled: 0x" + 5000 * "f" + "\n    config: {file_path: x}\n",
        errors=[
            (
                "conf.yaml, line 3, column 14: exporters[0].enabled is a number of 5002 characters, more than 400. "
                "Write it in quotes if it is a text."
            ),
        ],
    ),
    Case(
        "huge number to the base 60",
        file="exporters:\n  - class_name: file\n    config: {file_path: x, max_bytes: 1" + 80_000 * ":59" + "}\n",
        errors=[
            (
                "conf.yaml, line 3, column 39: exporters[0].config.max_bytes is a number of 240001 characters, more "
                "than 400. Write it in quotes if it is a text."
            ),
        ],
    ),
    Case(
        "long value",
        file="exporters:\n  - class_name: " + 1000 * "a" + "\n",
        errors=[
            (
                f"conf.yaml, line 2, column 17: exporters[0].class_name = '{179 * 'a'} ... {19 * 'a'}' (1002 "
                "characters) is no installed exporter. Install the distribution that publishes it, or give the path "
                "package.module.Class."
            ),
        ],
    ),
    Case(
        "control",
        file=("exporters: []\n# \x07\n"),
        errors=[
            "conf.yaml, line 2, column 3: is not valid YAML (it contains a control character). Remove that character.",
        ],
    ),
    Case(
        "latin",
        file=b"exporters:\n  - class_name: f\xfcr\n",
        errors=[
            "conf.yaml, line 2, column 18: is not UTF-8 text. Save it as UTF-8.",
        ],
    ),
    Case(
        "merge key",
        file=("exporters:\n  - <<: 3\n    class_name: file\n    config: {file_path: x}\n"),
        errors=[
            (
                "conf.yaml, line 2, column 9: exporters[0].<< merges what is not a mapping. Give << an alias of a "
                "mapping."
            ),
        ],
    ),
    Case(
        "list key",
        file=("exporters:\n  - ? [a]\n    : b\n    class_name: file\n    config: {file_path: x}\n"),
        errors=[
            "conf.yaml, line 2, column 7: exporters[0] has a list or mapping as a key. Use a text as key.",
        ],
    ),
    Case(
        "env",
        file=("exporters:\n  - class_name: file\n    config:\n      file_path: ${RUN_DIR}/x\n"),
        errors=[
            (
                "conf.yaml, line 4, column 18: exporters[0].config.file_path needs the environment variable "
                "RUN_DIR, which is not set. Set RUN_DIR, or give a default: ${RUN_DIR:-default}."
            ),
        ],
    ),
    Case(
        "env bad",
        file=("exporters:\n  - class_name: file\n    config:\n      file_path: ${RUN-DIR}/x\n"),
        errors=[
            (
                "conf.yaml, line 4, column 18: exporters[0].config.file_path has a malformed reference ${RUN-DIR}. "
                "Write ${VAR}, ${VAR:-default}, or $${ for a literal ${."
            ),
        ],
    ),
    Case(
        "env open",
        file=("exporters:\n  - class_name: file\n    config:\n      file_path: ${RUN\n"),
        errors=[
            (
                "conf.yaml, line 4, column 18: exporters[0].config.file_path has a malformed reference ${. Write "
                "${VAR}, ${VAR:-default}, or $${ for a literal ${."
            ),
        ],
    ),
    Case(
        "env wrong",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      retries: ${N}\n"),
        environ={"N": "many"},
        errors=[
            (
                "conf.yaml, line 5, column 16, $N from the environment: exporters[0].config.retries = 'many' does "
                "not fit int (Input should be a valid integer, unable to parse string as an integer). Give retries "
                "a value of type int."
            ),
        ],
    ),
    Case(
        "json syntax",
        file=('{"exporters": [\n  {"class_name" "file"}\n]}'),
        path="conf.json",
        errors=[
            "conf.json, line 2, column 17: is not valid JSON (Expecting ':' delimiter). Correct it.",
        ],
    ),
    Case(
        "json dup",
        file=('{"exporters": [\n  {"class_name": "file", "class_name": "logger"}\n]}'),
        path="conf.json",
        errors=[
            (
                "conf.json, line 2, column 3: exporters[0].config.file_path is missing: FileExporter needs it "
                "(Union[Path, str]). Add file_path under config."
            ),
            (
                "conf.json, line 2, column 26: exporters[0].class_name is there twice, first in line 2. Keep one "
                "of the two."
            ),
        ],
    ),
    Case(
        "json nan",
        file=('{"exporters": [{"class_name": "acme.AcmeExporter",\n "config": {"url": "x", "timeout_sec": NaN}}]}'),
        path="conf.json",
        errors=[
            (
                "conf.json, line 2, column 40: exporters[0].config.timeout_sec is NaN, which JSON does not have. "
                "Use a number."
            ),
        ],
    ),
    Case(
        "json key",
        file=('{"exporters": [\n  {"class_name": "file", "enabld": true, "config": {"file_path": 3}}\n]}'),
        path="conf.json",
        errors=[
            "conf.json, line 2, column 26: exporters[0].enabld is not a known key. Did you mean 'enabled'?",
            (
                "conf.json, line 2, column 66: exporters[0].config.file_path = 3 does not fit Union[Path, str] "
                "(Input should be a path, which is a text). Give file_path a value of type Union[Path, str]."
            ),
        ],
    ),
    Case(
        "json top",
        file="[]",
        path="conf.json",
        errors=[
            (
                "conf.json, line 1, column 1: is a list, not a mapping. Write a list of exporters under the key "
                "'exporters'."
            ),
        ],
    ),
    Case(
        "suffix",
        file="x",
        path="conf.toml",
        errors=[
            "conf.toml: has a name that tells no format. Let it end in .yaml, .yml, .json.",
        ],
    ),
    Case(
        "missing pkg",
        file=("exporters:\n  - class_name: nowhere_at_all.Exporter\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'nowhere_at_all.Exporter' cannot be "
                "imported (No module named 'nowhere_at_all'). Run 'pip install nowhere_at_all' or set enabled: "
                "false."
            ),
        ],
    ),
    Case(
        "missing mod",
        file=("exporters:\n  - class_name: acme.sub.Exporter\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.sub.Exporter' cannot be found: acme "
                "has no sub. Correct the path."
            ),
        ],
    ),
    Case(
        "missing mod2",
        file=("exporters:\n  - class_name: acme.sub:Exporter\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.sub:Exporter' cannot be imported "
                "(No module named 'acme.sub'; 'acme' is not a package). Correct the path or set enabled: false."
            ),
        ],
    ),
    Case(
        "missing attr",
        file=("exporters:\n  - class_name: acme.AcmeExportr\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.AcmeExportr' cannot be found: acme "
                "has no AcmeExportr. Did you mean 'AcmeExporter'?"
            ),
        ],
    ),
    Case(
        "unknown name",
        file=("exporters:\n  - class_name: fiel\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'fiel' is no installed exporter. Did you "
                "mean 'file'?"
            ),
        ],
    ),
    Case(
        "unknown name2",
        file=("exporters:\n  - class_name: wandbx\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'wandbx' is no installed exporter. "
                "Install the distribution that publishes it, or give the path package.module.Class."
            ),
        ],
    ),
    Case(
        "unknown ref",
        file=("exporters:\n  - name: fiel\n"),
        errors=[
            (
                "conf.yaml, line 2, column 11: exporters[0].name = 'fiel' is neither the name of an entry in a "
                "source of lower priority nor that of an installed exporter. Did you mean 'file'?"
            ),
        ],
    ),
    Case(
        "import raises",
        file=("exporters:\n  - class_name: acme_broken.Exporter\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme_broken.Exporter' cannot be imported "
                "(RuntimeError: no GPU here). Repair that module or set enabled: false."
            ),
        ],
    ),
    Case(
        "import exits",
        file=("exporters:\n  - class_name: acme_exits.Exporter\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme_exits.Exporter' cannot be imported "
                "(SystemExit: 3). Repair that module or set enabled: false."
            ),
        ],
    ),
    Case(
        "popen",
        file=("exporters:\n  - class_name: subprocess.Popen\n    config:\n      args: [touch, trace]\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'subprocess.Popen' is a class, neither an "
                "exporter nor a plugin. Name a subclass of Exporter, or an object or module with @hookimpl "
                "functions."
            ),
        ],
    ),
    Case(
        "function",
        file=("exporters:\n  - class_name: os.system\n    config: {command: touch trace}\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'os.system' is a function, neither an "
                "exporter nor a plugin. Name a subclass of Exporter, or an object or module with @hookimpl "
                "functions."
            ),
        ],
    ),
    Case(
        "dictclass",
        file=("exporters:\n  - class_name: acme.Settings\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.Settings' is a class, neither an "
                "exporter nor a plugin. Name a subclass of Exporter, or an object or module with @hookimpl "
                "functions."
            ),
        ],
    ),
    Case(
        "number",
        file=("exporters:\n  - class_name: acme.number\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.number' is an object of type int, "
                "neither an exporter nor a plugin. Name a subclass of Exporter, or an object or module with "
                "@hookimpl functions."
            ),
        ],
    ),
    Case(
        "module",
        file=("exporters:\n  - class_name: os.path\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'os.path' is a module, neither an "
                "exporter nor a plugin. Name a subclass of Exporter, or an object or module with @hookimpl "
                "functions."
            ),
        ],
    ),
    Case(
        "abstract",
        file=("exporters:\n  - class_name: acme.Incomplete\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.Incomplete' is abstract: it does "
                "not implement close, export_error, export_event, export_start, export_stop, "
                "export_telemetry_data_error. Name a complete subclass."
            ),
        ],
    ),
    Case(
        "ctor raises",
        file=("exporters:\n  - class_name: acme.Raises\n    config:\n      api_key: hunter22\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.Raises' cannot be constructed "
                "(ValueError: the server refused ***). Correct its arguments under config or set enabled: false."
            ),
        ],
    ),
    Case(
        "ctor exits",
        file=("exporters:\n  - class_name: acme.Exits\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.Exits' cannot be constructed "
                "(SystemExit: 3). Correct its arguments under config or set enabled: false."
            ),
        ],
    ),
    Case(
        "arg unknown",
        file=(
            "exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      retry: 3\n      zzz: 3\n"
        ),
        errors=[
            (
                "conf.yaml, line 5, column 7: exporters[0].config.retry is no argument of AcmeExporter. Did you "
                "mean 'retries'?"
            ),
            (
                "conf.yaml, line 6, column 7: exporters[0].config.zzz is no argument of AcmeExporter. Its "
                "arguments are url, retries, timeout_sec, compress, mode, folder, labels, ports, api_key, foreign."
            ),
        ],
    ),
    Case(
        "arg missing",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n"),
        errors=[
            (
                "conf.yaml, line 2, column 5: exporters[0].config.url is missing: AcmeExporter needs it (str). Add "
                "url under config."
            ),
        ],
    ),
    Case(
        "arg int",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      retries: many\n"),
        errors=[
            (
                "conf.yaml, line 5, column 16: exporters[0].config.retries = 'many' does not fit int (Input should "
                "be a valid integer, unable to parse string as an integer). Give retries a value of type int."
            ),
        ],
    ),
    Case(
        "arg bool int",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      retries: yes\n"),
        errors=[
            (
                "conf.yaml, line 5, column 16: exporters[0].config.retries = True does not fit int (a truth value "
                "is no number). YAML reads yes without quotes as true; give retries a value of type int."
            ),
        ],
    ),
    Case(
        "arg enum",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      mode: slow\n"),
        errors=[
            (
                "conf.yaml, line 5, column 13: exporters[0].config.mode = 'slow' does not fit Mode (Input should "
                "be 'fast' or 'safe'). Give mode a value of type Mode."
            ),
        ],
    ),
    Case(
        "arg nested",
        file=(
            "exporters:\n"
            "  - class_name: acme.AcmeExporter\n"
            "    config:\n"
            "      url: x\n"
            "      ports:\n"
            "        - 80\n"
            "        - eighty\n"
            "      labels:\n"
            "        team: 7\n"
        ),
        errors=[
            (
                "conf.yaml, line 7, column 11: exporters[0].config.ports[1] = 'eighty' does not fit "
                "Optional[List[int]] (Input should be a valid integer, unable to parse string as an integer). Give "
                "ports a value of type Optional[List[int]]."
            ),
            (
                "conf.yaml, line 9, column 15: exporters[0].config.labels.team = 7 does not fit Optional[Dict[str, "
                "str]] (Input should be a valid string). YAML reads 7 without quotes as the number 7; write '7' in "
                "quotes for text."
            ),
        ],
    ),
    Case(
        "arg secret",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      api_key: 12345\n"),
        errors=[
            (
                "conf.yaml, line 5, column 16: exporters[0].config.api_key = '***' does not fit Optional[str] "
                "(Input should be a valid string). Give api_key a value of type Optional[str]."
            ),
        ],
    ),
    Case(
        "arg none",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url:\n"),
        errors=[
            (
                "conf.yaml, line 4, column 11: exporters[0].config.url = None does not fit str (Input should be a "
                "valid string). Give url a value of type str."
            ),
        ],
    ),
    Case(
        "module args",
        file=("exporters:\n  - class_name: acme\n    config: {a: 1}\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme' is no class, so it takes no "
                "arguments. Remove config."
            ),
        ],
    ),
    Case(
        "object args",
        file=("exporters:\n  - class_name: acme.tap\n    config: {limit: 1}\n"),
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'acme.tap' is no class, so it takes no "
                "arguments. Remove config."
            ),
        ],
    ),
    Case(
        "tap background",
        file=("exporters:\n  - class_name: acme.Tap\n    background: true\n"),
        errors=[
            (
                "conf.yaml, line 3, column 17: exporters[0].background only works for an Exporter, not for a "
                "plugin with @hookimpl functions. Remove background."
            ),
        ],
    ),
    Case(
        "bg option",
        file=(
            "exporters:\n"
            "  - class_name: acme.AcmeExporter\n"
            "    config: {url: x}\n"
            "    background:\n"
            "      max_que: 3\n"
            "      close_timeout_sec: soon\n"
        ),
        errors=[
            (
                "conf.yaml, line 5, column 7: exporters[0].background.max_que is no argument of "
                "BackgroundExporter. Did you mean 'max_queue'?"
            ),
            (
                "conf.yaml, line 6, column 26: exporters[0].background.close_timeout_sec = 'soon' does not fit "
                "float (Input should be a valid number, unable to parse string as a number). Give "
                "close_timeout_sec a value of type float."
            ),
        ],
    ),
    Case(
        "bg text",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config: {url: x}\n    background: always\n"),
        errors=[
            (
                "conf.yaml, line 4, column 17: exporters[0].background = 'always' is a text, not true or false. "
                "Write true or false, without quotes."
            ),
        ],
    ),
    Case(
        "bg refused",
        file=(
            "exporters:\n"
            "  - class_name: acme.AcmeExporter\n"
            "    config: {url: x}\n"
            "    background: {when_full: explode}\n"
        ),
        errors=[
            (
                "conf.yaml, line 4, column 17: exporters[0].background is refused (BackgroundExporter: when_full "
                "must be one of drop_oldest, drop_newest, block and max_queue at least 1, found 'explode' and "
                "10000.). Correct these options."
            ),
        ],
    ),
    Case(
        "names twice",
        file=(
            "exporters:\n"
            "  - class_name: file\n"
            "    name: a\n"
            "    config: {file_path: x}\n"
            "  - class_name: logger\n"
            "    name: a\n"
            "    config: {logger: x}\n"
        ),
        errors=[
            (
                "conf.yaml, line 6, column 11: exporters[1].name = 'a' is also the name of exporters[0]. Give each "
                "entry a name of its own."
            ),
        ],
    ),
    Case(
        "ambiguous",
        file=(
            "exporters:\n"
            "  - class_name: file\n"
            "    config: {file_path: x}\n"
            "  - class_name: file\n"
            "    config: {file_path: y}\n"
        ),
        code=[{"class_name": "file", "config": {"file_path": "z"}}],
        errors=[
            (
                "code at train.py:7: exporters_config[0].class_name = 'file' is ambiguous: it may mean "
                "exporters[0] (conf.yaml, line 2, column 5) and exporters[1] (conf.yaml, line 4, column 5). Give "
                "those entries names and refer to one of them by its name."
            ),
        ],
    ),
    Case(
        "secret octal",
        file=("exporters:\n  - class_name: acme.AcmeExporter\n    config:\n      url: x\n      api_key: 0123\n"),
        errors=[
            (
                "conf.yaml, line 5, column 16: exporters[0].config.api_key is read by YAML as a number to the base "
                "8. Write it in quotes for text."
            ),
        ],
    ),
    Case(
        "several",
        file=(
            "inherit: maybe\n"
            "exporters:\n"
            "  - class_name: acme.AcmeExporter\n"
            "    config:\n"
            "      retries: many\n"
            "      mode: slow\n"
            "    enabld: true\n"
            "  - class_name: subprocess.Popen\n"
            "    config: {args: [touch, trace]}\n"
            "  - name: loger\n"
            "  - class_name: logger\n"
            "    config:\n"
            "      logger: app\n"
            "      logger: app\n"
        ),
        errors=[
            (
                "conf.yaml, line 1, column 10: inherit = 'maybe' is a text, not true or false. Write true or "
                "false, without quotes."
            ),
            (
                "conf.yaml, line 3, column 5: exporters[0].config.url is missing: AcmeExporter needs it (str). Add "
                "url under config."
            ),
            (
                "conf.yaml, line 5, column 16: exporters[0].config.retries = 'many' does not fit int (Input should "
                "be a valid integer, unable to parse string as an integer). Give retries a value of type int."
            ),
            (
                "conf.yaml, line 6, column 13: exporters[0].config.mode = 'slow' does not fit Mode (Input should "
                "be 'fast' or 'safe'). Give mode a value of type Mode."
            ),
            "conf.yaml, line 7, column 5: exporters[0].enabld is not a known key. Did you mean 'enabled'?",
            (
                "conf.yaml, line 8, column 17: exporters[1].class_name = 'subprocess.Popen' is a class, neither an "
                "exporter nor a plugin. Name a subclass of Exporter, or an object or module with @hookimpl "
                "functions."
            ),
            (
                "conf.yaml, line 10, column 11: exporters[2].name = 'loger' is neither the name of an entry in a "
                "source of lower priority nor that of an installed exporter. Did you mean 'logger'?"
            ),
            (
                "conf.yaml, line 14, column 7: exporters[3].config.logger is there twice, first in line 13. Keep "
                "one of the two."
            ),
        ],
    ),
    Case(
        "file and code",
        file=("exporters:\n  - class_name: fil\n"),
        code=[{"class_name": "logger", "config": {"loger": "x"}}],
        errors=[
            (
                "conf.yaml, line 2, column 17: exporters[0].class_name = 'fil' is no installed exporter. Did you "
                "mean 'file'?"
            ),
            (
                "code at train.py:7: exporters_config[0].config.loger is no argument of LoggerExporter. Did you "
                "mean 'logger'?"
            ),
        ],
    ),
    Case(
        "code missing",
        code=[{"config": {}}],
        errors=[
            (
                "code at train.py:7: exporters_config[0] has neither a class_name nor a name. Say which exporter "
                "is meant, as in class_name: file."
            ),
        ],
    ),
    Case(
        "code int",
        code=[3, {"class_name": "file", "config": {"file_path": 3}}],
        errors=[
            "code at train.py:7: exporters_config[0] = 3 is a number, not a mapping. Give it a class_name or a name.",
            (
                "code at train.py:7: exporters_config[1].config.file_path = 3 does not fit Union[Path, str] (Input "
                "should be a path, which is a text). Give file_path a value of type Union[Path, str]."
            ),
        ],
    ),
    Case(
        "code nonstr",
        code=[{"class_name": "file", "config": {3: 4}, 5: 6}],
        errors=[
            (
                "code at train.py:7: exporters_config[0].5 is not a known key. Known keys are class_name, name, "
                "config, enabled, background."
            ),
            "code at train.py:7: exporters_config[0].config has the key 3, which is not a text. Use a text.",
        ],
    ),
]


def refuse(case: Case) -> ConfigError:
    """Configure as the provider does, and return what it raises."""
    path = None
    if case.file is not None:
        path = case.path
        Path(path).write_bytes(case.file if isinstance(case.file, bytes) else case.file.encode())
    sources = load_sources(case.code, path, environ=case.environ, call_site="train.py:7")  # type: ignore[arg-type]
    resolution = resolve([sources], Catalogue(), Switches())
    with pytest.raises(ConfigError) as raised:
        build(resolution, one_logger_config=None, quiet=False, strict=False)
    return raised.value


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "-") for case in CASES])
def test_mistake_is_reported_with_source_place_key_value_and_remedy(case: Case, acme: str, workdir: Path) -> None:
    error = refuse(case)

    assert str(error).split("\n") == case.errors
    assert isinstance(error, ConfigErrors) == (len(case.errors) > 1)
    for single in error.errors if isinstance(error, ConfigErrors) else [error]:
        assert_attributes_say_what_the_text_says(single)
    assert not Path("trace").exists()


def assert_attributes_say_what_the_text_says(error: ConfigError) -> None:
    text = str(error)
    assert text.startswith(error.source)
    place = re.match(r"(conf\.\w+)(?:, line (\d+), column (\d+))?", text)
    found = (place.group(1), int(place.group(2) or 0), int(place.group(3) or 0)) if place else ("", 0, 0)
    assert (error.file, error.line or 0, error.column or 0) == found
    assert error.key in text
    assert error.problem in text
    assert error.remedy
    assert error.remedy in text


def test_there_are_at_least_forty_of_them() -> None:
    assert len(CASES) >= 40


def test_program_named_in_a_file_is_not_run(workdir: Path) -> None:
    trace = workdir / "trace"
    file = f"exporters:\n  - class_name: subprocess.Popen\n    config:\n      args: [touch, {trace}]\n"

    refuse(Case("program", [], file=file))

    assert not trace.exists()


def test_alias_bomb_is_refused_before_it_fills_the_memory(workdir: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    error = refuse(Case("bomb", [], file="\n".join([*levels, "exporters: *a11"])))

    assert error.problem == f"becomes more than {MAX_NODES} values when its aliases are followed"
    assert error.remedy == "Use fewer aliases (*name)"


@pytest.mark.parametrize("depth", [60, 20_000])
@pytest.mark.parametrize("path", ["conf.yaml", "conf.json"])
def test_endless_nesting_is_refused(depth: int, path: str, workdir: Path) -> None:
    error = refuse(Case("deep", [], file='{"exporters": ' + "[" * depth + "]" * depth + "}", path=path))

    assert error.problem == "is nested more than 50 deep"


def test_file_larger_than_the_limit_is_refused(workdir: Path) -> None:
    assert str(refuse(Case("large", [], file=b"#" * (MAX_BYTES + 1)))) == (
        "conf.yaml: is larger than 262144 bytes. Name the right file or shorten it."
    )


def test_file_that_was_named_but_does_not_exist_is_an_error(workdir: Path) -> None:
    Path("one_logger_exporters_config.yaml").write_text("exporters: []\n")
    sources = load_sources(None, "typo.yaml", environ={})

    with pytest.raises(ConfigError) as raised:
        build(resolve([sources], Catalogue(), Switches()), one_logger_config=None, quiet=False, strict=False)

    assert str(raised.value) == "typo.yaml: does not exist. Correct the path or create the file."


def test_file_named_by_the_environment_but_missing_is_an_error_naming_the_variable(workdir: Path) -> None:
    sources = load_sources(environ={"ONE_LOGGER_EXPORTER_CONFIG_PATH": "typo.yaml"})

    with pytest.raises(ConfigError) as raised:
        build(resolve([sources], Catalogue(), Switches()), one_logger_config=None, quiet=False, strict=False)

    assert str(raised.value) == (
        "typo.yaml (named by ONE_LOGGER_EXPORTER_CONFIG_PATH): does not exist. Correct the path or create the file."
    )


def test_name_published_twice_is_an_error_naming_both_once_it_is_used(
    install: Callable[..., Path], workdir: Path
) -> None:
    group = {"nv_one_logger.exporters": {"twin": "twin_module:Twin"}}
    install("twin-a", "1.0", entry_points=group)
    install("twin-b", "2.0", entry_points={"nv_one_logger.exporters": {"twin": "other_module:Twin"}})

    error = refuse(Case("twin", [], file="exporters:\n  - class_name: twin\n"))

    published = re.sub(r"twin-[ab] [12]\.0 \(\w+:Twin\)", "X", str(error))  # the order is that of the folder
    assert published == (
        "conf.yaml, line 2, column 17: exporters[0].class_name = 'twin' is published by X and X. Use the class path."
    )
    assert "twin-a 1.0 (twin_module:Twin)" in str(error)
    assert "twin-b 2.0 (other_module:Twin)" in str(error)


def test_broken_entry_point_is_an_error_naming_its_distribution_once_it_is_used(
    install: Callable[..., Path], workdir: Path
) -> None:
    points = {"nv_one_logger.exporters": {"ill": "ill_module:Exporter"}}
    install("ill-dist", "1.2", entry_points=points, modules={"ill_module": "1 / 0"})

    error = refuse(Case("ill", [], file="exporters:\n  - name: ill\n"))

    assert str(error) == (
        "conf.yaml, line 2, column 11: exporters[0].name = 'ill' is an entry point of ill-dist 1.2 "
        "(ill_module:Exporter) that cannot be loaded (ZeroDivisionError: division by zero). "
        "Repair or uninstall that distribution."
    )


def test_package_default_that_is_broken_is_an_error_once_a_file_mentions_it(
    install: Callable[..., Path], workdir: Path
) -> None:
    points = {"nv_one_logger.exporter_configs": {"ill": "ill_defaults:Defaults"}}
    install("ill-dist", "1.2", entry_points=points, modules={"ill_defaults": "1 / 0"})

    error = refuse(Case("ill", [], file="exporters:\n  - name: ill\n"))

    assert str(error) == (
        "ill-dist 1.2 (entry point 'ill'): ill_defaults:Defaults cannot be loaded "
        "(ZeroDivisionError: division by zero). Tell its authors; until then switch it off with ONE_LOGGER_DISABLE."
    )
