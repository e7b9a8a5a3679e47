"""Configuration in code, in a file, and both."""

from __future__ import annotations

import json
from pathlib import Path

from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

FILE_EXPORTER = "nv_one_logger.exporter.file_exporter.FileExporter"
Path("exporters.json").write_text(
    json.dumps({"exporters": [{"class_name": FILE_EXPORTER, "config": {"file_path": "from_file.jsonl"}}]}),
    encoding="utf-8",
)

TrainingTelemetryProvider.instance().with_export_config(
    exporters_config=[{"class_name": FILE_EXPORTER, "config": {"file_path": "from_code.jsonl"}, "enabled": True}],
    config_file_path="exporters.json",
).configure_provider()

assert Path("from_code.jsonl").exists()
assert not Path("from_file.jsonl").exists()
