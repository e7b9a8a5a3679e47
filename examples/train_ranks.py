"""Trains one model on four ranks of this machine: one rank is slow, one is killed, and the job is restarted.

    pip install nv-one-logger-core
    python examples/train_ranks.py --output run

Every rank is a process with records of its own, ``run/telemetry/rank0.jsonl`` and so on. In the first attempt rank 2 is
killed as by ``kill -9`` in the middle of a step. The others notice, as they wait for it in vain, and end with an error.
The launcher starts all four again under the same session tag; they go on from the last checkpoint, do again what came
after it, and finish. The model is a linear regression in plain Python, trained data-parallel: the ranks average their
gradients in every step. A pause stands for the time that a real model would need on its device.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any, Dict, List, NamedTuple, Tuple

from nv_one_logger.api.timed_span import timed_span
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.recorder.default_recorder import ExportCustomizationMode
from nv_one_logger.training_telemetry.api.callbacks import (
    log_metrics,
    on_distributed_init_end,
    on_distributed_init_start,
)
from nv_one_logger.training_telemetry.api.config import TrainingTelemetryConfig
from nv_one_logger.training_telemetry.api.context import (
    application,
    checkpoint_load,
    checkpoint_save,
    dataloader_init,
    model_init,
    optimizer_init,
    training_iteration,
    training_loop,
    validation_iteration,
    validation_loop,
)
from nv_one_logger.training_telemetry.api.spans import StandardTrainingJobSpanName as SpanName
from nv_one_logger.training_telemetry.api.training_telemetry_provider import TrainingTelemetryProvider

WEIGHTS = [3.0, -2.0, 0.5, 1.0]  # what the model has to find
BATCH_SIZE = 16
LEARNING_RATE = 0.05
Sample = Tuple[List[float], float]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train on several ranks, lose one, and go on, with telemetry.")
    parser.add_argument("--output", type=Path, default=Path("ranks-run"), help="folder of records and checkpoint")
    parser.add_argument("--session-tag", default="ranks-run-1", help="the same for jobs that continue one run")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--save-every", type=int, default=10, metavar="STEPS", help="steps between two checkpoints")
    parser.add_argument("--validate-every", type=int, default=20, metavar="STEPS")
    parser.add_argument("--step-msec", type=float, default=40.0, help="time of a step on its device")
    parser.add_argument("--slow-rank", type=int, default=1, help="this rank computes twice as long; -1 for none")
    parser.add_argument("--kill-rank", type=int, default=2, help="this rank is killed once; -1 for none")
    parser.add_argument("--kill-at", type=int, default=36, metavar="STEP", help="in this step")
    parser.add_argument("--peer-timeout-sec", type=float, default=1.5, help="how long a rank waits for the others")
    parser.add_argument("--restart-sec", type=float, default=0.5, help="pause before the job is started again")
    parser.add_argument("--max-restarts", type=int, default=1)
    parser.add_argument("--heartbeat-sec", type=float, default=0.5)
    return parser.parse_args()


class Peers(NamedTuple):
    """What the ranks of one attempt share: a row of gradients for each, and a place to meet."""

    gradients: Any  # ranks x weights, in shared memory
    barrier: Any
    timeout_sec: float

    def meet(self) -> None:
        """Wait until all ranks are here.

        Raises:
            BrokenBarrierError: One of them has not come in time.
        """
        self.barrier.wait(self.timeout_sec)

    def average(self, rank: int, gradient: List[float]) -> List[float]:
        """Return the mean of the gradients of all ranks."""
        size, ranks = len(gradient), self.barrier.parties
        self.gradients[rank * size : (rank + 1) * size] = gradient
        self.meet()
        mean = [sum(self.gradients[index::size]) / ranks for index in range(size)]
        self.meet()  # before anybody writes the next one
        return mean


def configure_telemetry(arguments: argparse.Namespace) -> None:
    """Say who runs and what is trained. Rank, world size and attempt come from the launcher's environment."""
    config = TrainingTelemetryConfig(
        application_name="train-ranks",
        session_tag_or_fn=arguments.session_tag,
        perf_tag_or_fn="linear-regression",
        global_batch_size_or_fn=BATCH_SIZE * arguments.ranks,
        log_every_n_train_iterations=10,
        train_iterations_target_or_fn=arguments.steps,
        train_samples_target_or_fn=arguments.steps * BATCH_SIZE * arguments.ranks,
    )
    records = FileExporter(
        arguments.output / "telemetry" / "rank{rank}.jsonl",
        session_record=True,
        heartbeat_sec=arguments.heartbeat_sec,
    )
    (
        TrainingTelemetryProvider.instance()
        .with_base_config(config)
        .with_exporter(records)
        # Single iterations are not exported by default, since a real job has millions of them.
        .with_export_customization(ExportCustomizationMode.EXPORT_ALL_SPANS, None)
        .configure_provider()
    )


class Trainer:
    """One rank: its share of the data, its copy of the model, and the step that training has reached."""

    def __init__(self, arguments: argparse.Namespace, rank: int, peers: Peers) -> None:
        self.arguments = arguments
        self.rank = rank
        self.peers = peers
        self.step = 0
        self.checkpoint = arguments.output / "checkpoint.json"
        self.device_sec = arguments.step_msec / 1000
        self.slowness = 2.0 if rank == arguments.slow_rank else 1.0
        with dataloader_init():
            self.random = random.Random(rank)
            self.validation = [self.sample() for _ in range(64)]
            time.sleep(self.device_sec)
        with model_init():
            self.weights = [0.0] * len(WEIGHTS)
            time.sleep(self.device_sec)
        with optimizer_init():
            self.learning_rate = LEARNING_RATE

    def sample(self) -> Sample:
        """Make one sample up: inputs, and what the model should say to them."""
        inputs = [self.random.uniform(-1, 1) for _ in WEIGHTS]
        return inputs, sum(weight * value for weight, value in zip(WEIGHTS, inputs)) + self.random.gauss(0, 0.1)

    def load_batch(self) -> List[Sample]:
        """Wait for the next batch; now and then that takes longer."""
        with timed_span(SpanName.DATA_LOADING):
            time.sleep(self.device_sec * (0.5 if self.step % 15 == 14 else 0.05))
            return [self.sample() for _ in range(BATCH_SIZE)]

    def resume(self) -> None:
        """Go on from the checkpoint of an earlier attempt, if there is one."""
        if not self.checkpoint.exists():
            return
        with checkpoint_load():
            state = json.loads(self.checkpoint.read_text(encoding="utf-8"))
            self.step, self.weights = state["step"], state["weights"]
            time.sleep(self.device_sec)

    def save(self) -> None:
        """Have rank 0 write the checkpoint, beside the old one first; the others wait for it."""
        with checkpoint_save(global_step=self.step) as span:
            if self.rank == 0:
                unfinished = self.checkpoint.with_suffix(".unfinished")
                unfinished.write_text(json.dumps({"step": self.step, "weights": self.weights}), encoding="utf-8")
                time.sleep(self.device_sec)
                os.replace(unfinished, self.checkpoint)
            self.peers.meet()
            span.add_attribute("checkpoint_size", self.checkpoint.stat().st_size)
            span.add_attribute("checkpoint_directory", str(self.checkpoint.parent))

    def train_step(self, batch: List[Sample]) -> None:
        """Train on one batch, together with the other ranks."""
        with training_iteration() as span:
            span.add_attribute("step", self.step)
            with timed_span(SpanName.MODEL_FORWARD):
                errors = [self.predict(inputs) - expected for inputs, expected in batch]
                time.sleep(self.device_sec * 0.4 * self.slowness)
                self.die_if_told()
            with timed_span(SpanName.MODEL_BACKWARD):
                gradient = [
                    2 * sum(error * inputs[index] for error, (inputs, _) in zip(errors, batch)) / len(batch)
                    for index in range(len(WEIGHTS))
                ]
                time.sleep(self.device_sec * 0.5 * self.slowness)
            with timed_span("all_reduce"):
                gradient = self.peers.average(self.rank, gradient)
            with timed_span(SpanName.OPTIMIZER_UPDATE):
                self.weights = [weight - self.learning_rate * slope for weight, slope in zip(self.weights, gradient)]
            log_metrics({"loss": sum(error * error for error in errors) / len(errors)})
        self.step += 1

    def predict(self, inputs: List[float]) -> float:
        """Return what the model says."""
        return sum(weight * value for weight, value in zip(self.weights, inputs))

    def die_if_told(self) -> None:
        """End at once, as the kernel ends a process when memory runs out: nothing is closed or written any more."""
        is_first_attempt = os.environ["TORCHELASTIC_RESTART_COUNT"] == "0"
        if is_first_attempt and self.rank == self.arguments.kill_rank and self.step == self.arguments.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def validate(self) -> float:
        """Return the mean squared error on data that was not trained on."""
        total = 0.0
        with validation_loop() as span:
            for begin in range(0, len(self.validation), BATCH_SIZE):
                with validation_iteration():
                    for inputs, expected in self.validation[begin : begin + BATCH_SIZE]:
                        total += (self.predict(inputs) - expected) ** 2
                    time.sleep(self.device_sec * 0.2)
            span.add_attribute("mean_squared_error", total / len(self.validation))
        return total / len(self.validation)


@application()
def train(arguments: argparse.Namespace, rank: int, peers: Peers) -> None:
    """Train one rank's share."""
    on_distributed_init_start()
    peers.barrier.wait(60)  # a slow machine may need a while to start all of them
    on_distributed_init_end()
    trainer = Trainer(arguments, rank, peers)
    trainer.resume()
    with training_loop(train_iterations_start=trainer.step):
        while trainer.step < arguments.steps:
            trainer.train_step(trainer.load_batch())
            if trainer.step % arguments.save_every == 0 or trainer.step == arguments.steps:
                trainer.save()
            if trainer.step % arguments.validate_every == 0 or trainer.step == arguments.steps:
                error = trainer.validate()
                if rank == 0:
                    print(f"step {trainer.step}: mean squared error {error:.4f}", flush=True)


def run_rank(arguments: argparse.Namespace, environ: Dict[str, str], peers: Peers) -> None:
    """Be one rank of one attempt: the first thing a process of the job does."""
    os.environ.update(environ)
    rank = int(environ["RANK"])
    configure_telemetry(arguments)
    try:
        train(arguments, rank, peers)
    except BrokenBarrierError:
        print(f"rank {rank} has waited in vain for the others", flush=True)
        sys.exit(1)


def run_attempt(arguments: argparse.Namespace, restarts: int) -> List[int]:
    """Run all ranks once, and return their exit codes; they are told what torchrun would tell them."""
    context = multiprocessing.get_context("spawn")
    peers = Peers(
        context.RawArray("d", arguments.ranks * len(WEIGHTS)),
        context.Barrier(arguments.ranks),
        arguments.peer_timeout_sec,
    )
    processes = []
    for rank in range(arguments.ranks):
        environ = {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(arguments.ranks),
            "TORCHELASTIC_RESTART_COUNT": str(restarts),
        }
        processes.append(context.Process(target=run_rank, args=(arguments, environ, peers)))
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def main() -> None:
    """Start the job, and start it again if it fails."""
    arguments = parse_arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for restarts in range(arguments.max_restarts + 1):
        exit_codes = run_attempt(arguments, restarts)
        print(f"attempt {restarts + 1} ended with {exit_codes}", flush=True)
        if not any(exit_codes):
            print(f"records are in {arguments.output / 'telemetry'}")
            return
        time.sleep(arguments.restart_sec)
    sys.exit(1)


if __name__ == "__main__":
    main()
