from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

EXPORTER = """
    from pathlib import Path
    from nv_one_logger.exporter.exporter import BaseExporter

    with open("imported.txt", "a") as file:
        file.write(__name__ + "\\n")


    class Exporter(BaseExporter):
        def export_stop(self, span):
            pass
"""


@pytest.fixture
def thirty(distribution: Any) -> None:
    """Thirty distributions: two are broken at import, and every third one enables its exporter by default."""
    for number in range(30):
        module = f"plug_{number:02}"
        source = "raise RuntimeError('broken at import')" if number in (7, 21) else EXPORTER
        defaults = {
            "defaults": {f"default{number:02}": f"{module}_defaults:Defaults"},
            "modules": {
                module: source,
                f"{module}_defaults": f"""
                    class Defaults:
                        @staticmethod
                        def get_default_config():
                            return {{"class_name": "plug{number:02}"}}
                """,
            },
        }
        more = defaults if number % 3 == 0 else {"modules": {module: source}}
        distribution(f"plug-{number:02}", exporters={f"plug{number:02}": f"{module}:Exporter"}, **more)


def test_thirty_distributions_are_listed_and_none_of_their_plugins_is_imported(
    one_logger: Any, thirty: None, tmp_path: Any
) -> None:
    listed = one_logger("plugins").stdout.splitlines()
    plugins = [line.split() for line in listed if re.match(r"(plug|default)\d\d ", line)]
    assert len(plugins) == 40  # ten of them are on under a second name
    assert [words[1] for words in plugins].count("on") == 20
    assert [words[1] for words in plugins].count("available") == 20
    assert {words[2] for words in plugins} == {f"plug-{number:02}" for number in range(30)}
    assert not (tmp_path / "imported.txt").exists()


def test_load_imports_them_and_names_the_two_that_are_broken(one_logger: Any, thirty: None, tmp_path: Any) -> None:
    done = one_logger("plugins", "--load", "--json", code=1)
    plugins = {plugin["name"]: plugin for plugin in json.loads(done.stdout)["plugins"]}
    assert len(plugins) == 42  # with the two that are built in
    broken = {name: plugin["problem"] for name, plugin in plugins.items() if plugin["problem"]}
    assert set(broken) == {"plug07", "plug21", "default21"}
    assert "RuntimeError: broken at import" in broken["plug07"]
    assert "plug-07 1.0" in broken["plug07"]
    assert plugins["plug08"]["hooks"] == ["export_stop"]
    assert len((tmp_path / "imported.txt").read_text().splitlines()) == 28


def test_table_of_loaded_plugins_is_complete(one_logger: Any, thirty: None) -> None:
    lines = one_logger("plugins", "--load", code=1).stdout.splitlines()
    assert len(lines) == 43
    assert {line.split()[0] for line in lines if "BROKEN: " in line} == {"plug07", "plug21", "default21"}


@pytest.mark.skipif("sys.platform == 'win32'")
@pytest.mark.parametrize("columns", [80, 200])
def test_terminal_gets_lines_of_its_width(columns: int, on_terminal: Any, thirty: None) -> None:
    shown = on_terminal(["plugins"], columns=columns)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    assert shown != plain
    assert max(map(len, plain.splitlines())) <= columns
    assert len(re.findall(r"^(?:plug|default)\d\d ", plain, re.MULTILINE)) == 40
    assert plain.count("plug-29 1.0") == 1
    assert "\x1b[3" not in on_terminal(["plugins"], columns=columns, NO_COLOR="1")


def test_pipe_gets_one_line_a_plugin_without_colours(one_logger: Any, acme: None) -> None:
    done = one_logger("plugins")
    assert "\x1b" not in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["Name", "file", "logger", "acme"]
    assert "imported acme" not in done.stdout + done.stderr


def test_file_and_switches_decide(one_logger: Any, acme: None, tmp_path: Any) -> None:
    (tmp_path / "my.yaml").write_text("exporters:\n  - class_name: acme\n    enabled: false\n")
    listed = json.loads(one_logger("plugins", "--config", "my.yaml", "--json").stdout)
    found = {plugin["name"]: plugin for plugin in listed["plugins"]}
    assert found["acme"]["state"] == "off"
    assert found["acme"]["reason"] == "enabled: false in my.yaml, line 3, column 14"
    blocked = one_logger("plugins", "--json", env={"ONE_LOGGER_DISABLE": "acme"}).stdout
    assert '"reason": "ONE_LOGGER_DISABLE names acme"' in blocked


def test_mistakes_in_the_configuration_are_told_beside_the_table(one_logger: Any, tmp_path: Any) -> None:
    (tmp_path / "one_logger_exporters_config.yaml").write_text("exporters: 3\n")
    done = one_logger("plugins")
    assert "line 1, column 12" in done.stderr
    assert "file  " in done.stdout


def test_show_tells_arguments_and_yaml_to_paste(one_logger: Any, acme: None) -> None:
    done = one_logger("plugins", "show", "acme")
    assert done.stderr == "imported acme\n"
    assert "from acme-telemetry 1.2\navailable: no source mentions it\nSends spans to Acme.\n" in done.stdout
    assert "Hooks: export_stop, flush\n" in done.stdout
    assert "  url: str (required)\n      Where the server listens, with the port.\n" in done.stdout
    assert "  retries: int = 3\n      How often to try again.\n" in done.stdout
    assert "none yet" not in done.stdout
    pasted = yaml.safe_load(done.stdout[done.stdout.index("exporters:") :])
    assert pasted == {"exporters": [{"class_name": "acme", "config": {"url": "<url>"}}]}


def test_show_as_json(one_logger: Any, acme: None) -> None:
    shown = json.loads(one_logger("plugins", "show", "acme.AcmeExporter", "--json").stdout)
    assert shown["hooks"] == ["export_stop", "flush"]
    assert [argument["name"] for argument in shown["arguments"]] == ["url", "retries", "mode", "api_key", "on_error"]
    assert shown["further_arguments"] is True
    assert yaml.safe_load(shown["yaml"])["exporters"][0]["class_name"] == "acme"


def test_show_finds_a_package_default_by_its_name(one_logger: Any, thirty: None) -> None:
    done = one_logger("plugins", "show", "default03")
    assert "plug_03:Exporter" in done.stdout
    assert "  - name: default03\n" in done.stdout


def test_show_takes_a_path_that_nothing_mentions(one_logger: Any) -> None:
    done = one_logger("plugins", "show", "nv_one_logger.exporter.background_exporter.BackgroundExporter")
    assert "max_queue" in done.stdout
    assert "class_name: nv_one_logger.exporter.background_exporter.BackgroundExporter" in done.stdout


def test_show_of_a_broken_plugin_says_why(one_logger: Any, thirty: None) -> None:
    done = one_logger("plugins", "show", "plug07", code=1)
    assert "RuntimeError: broken at import" in done.stdout
    assert done.stderr == ""


def test_unknown_name_is_answered_with_the_nearest(one_logger: Any, acme: None) -> None:
    assert one_logger("plugins", "show", "acne", code=1).stderr == (
        "Error: No plugin is called 'acne'. Did you mean 'acme'?\n"
    )
    assert "'one-logger plugins' lists" in one_logger("plugins", "show", "zzz", code=1).stderr


def test_completion_offers_names_without_importing(one_logger: Any, acme: None) -> None:
    env = {"_ONE_LOGGER_COMPLETE": "bash_complete", "COMP_WORDS": "one-logger plugins show a", "COMP_CWORD": "3"}
    done = one_logger(env=env)
    assert done.stdout == "plain,acme\n"
    assert done.stderr == ""
