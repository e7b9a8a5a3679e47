"""Fuzzes what reads files and lines, guided by coverage: ``nox -s fuzz -- --seconds 60``; needs atheris.

Each target must return or raise the error that it documents; anything else ends the run with the input that did it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict

import atheris

with atheris.instrument_imports(include=["nv_one_logger", "yaml"]):
    from nv_one_logger.config import Switches, load_sources, resolve
    from nv_one_logger.exporter.exporter import ExportError
    from nv_one_logger.exporter.internal.encoder import encode_record
    from nv_one_logger.exporter.logger_exporter import LoggerExporter
    from nv_one_logger.host.catalogue import Catalogue
    from nv_one_logger.reader import RecordReader, RunSummary, build_trees

FOLDER = Path(tempfile.mkdtemp(prefix="one-logger-fuzz-"))


def configuration(content: bytes) -> None:
    """Read a configuration in both formats and decide what it means; nothing is imported."""
    for suffix in (".yaml", ".json"):
        path = FOLDER / f"conf{suffix}"
        path.write_bytes(content)
        resolution = resolve([load_sources(None, path, environ={"A": "b"})], Catalogue(dict), Switches())
        for problem in resolution.problems:
            str(problem.error).encode("utf-8")
        resolution.explanation.render()


def log_line(content: bytes) -> None:
    """Read a record from a line, and write it as JSON if there is one."""
    try:
        record = LoggerExporter.deserialize_log(content.decode("utf-8", "surrogatepass"))
    except (ExportError, UnicodeDecodeError):
        return
    encode_record(record)


def record_file(content: bytes) -> None:
    """Read a file of records in every way there is."""
    path = FOLDER / "records.jsonl"
    path.write_bytes(content)
    summary = RunSummary()
    for record in RecordReader([path]):
        summary.add(record)
    summary.finish()
    build_trees(RecordReader([path]))


TARGETS: Dict[str, Callable[[bytes], None]] = {
    "configuration": configuration,
    "log_line": log_line,
    "record_file": record_file,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    limits = [f"-max_total_time={options.seconds}", "-max_len=4096", "-timeout=20", f"-artifact_prefix={FOLDER}/"]
    atheris.Setup([sys.argv[0], *limits], TARGETS[options.target])
    atheris.Fuzz()
