"""What a hundred installed plugin distributions, none of them enabled, add to the time of configuring.

Lays 100 dist-info folders on the path and measures, in fresh processes, how long the provider takes to configure one
exporter, without and with them. Budget: less than 100 ms more, and none of them imported.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Sequence

DISTRIBUTIONS = 100
BUDGET_MSEC = 100.0
ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import json, sys, time
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

entry = {"class_name": "file", "config": {"file_path": "run.jsonl"}}
start = time.perf_counter()
TrainingTelemetryProvider.instance().with_export_config([entry]).configure_provider()
msec = (time.perf_counter() - start) * 1000
print(json.dumps({"msec": msec, "imported": sorted(n for n in sys.modules if n.startswith("idle_plugin_"))}))
"""


def lay_distributions(folder: Path, number: int) -> None:
    """Lay dist-info folders as pip would; a module that is imported prints and fails."""
    for index in range(number):
        info = folder / f"idle_plugin_{index}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: idle-plugin-{index}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[nv_one_logger.exporters]\nidle{index} = idle_plugin_{index}:Exporter\n"
        )
        (folder / f"idle_plugin_{index}.py").write_text("raise ImportError('nobody enabled this plugin')\n")


def measure(path: Sequence[Path], repeat: int) -> float:
    """Return the median milliseconds of configuring with these folders on the path.

    Raises:
        RuntimeError: A plugin that nobody enabled was imported.
    """
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ONE_LOGGER_")}
    environ["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in (*path, ROOT))
    times: List[float] = []
    with tempfile.TemporaryDirectory() as workdir:
        for _ in range(repeat):
            output = subprocess.run(
                [sys.executable, "-c", PROGRAM], env=environ, cwd=workdir, check=True, capture_output=True, text=True
            ).stdout
            found = json.loads(output)
            if found["imported"]:
                raise RuntimeError(f"imported although nobody enabled them: {found['imported']}")
            times.append(found["msec"])
    return statistics.median(times)


def config_catalogue(repeat: int = 7) -> Dict[str, float]:
    """Measure both, print the difference, and return all three numbers in milliseconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_distributions(folder, DISTRIBUTIONS)
        alone = measure([], repeat)
        beside = measure([folder], repeat)
    added = beside - alone
    print(
        f"configuring: {alone:.1f} ms alone, {beside:.1f} ms beside {DISTRIBUTIONS} installed plugins, none enabled: "
        f"{added:+.1f} ms (budget {BUDGET_MSEC:.0f} ms), none imported"
    )
    return {"alone_msec": alone, "beside_msec": beside, "added_msec": added}


if __name__ == "__main__":
    sys.exit(config_catalogue()["added_msec"] >= BUDGET_MSEC)
