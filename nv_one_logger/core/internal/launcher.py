"""What the launcher's environment says about this process: rank, world size, attempt, job.

Every function takes the environment as a mapping (``os.environ``) and changes nothing. A variable whose value is no
number, or no possible one, is ignored with one warning.

Where launchers are nested, the inner one knows better: torchrun started by Slurm numbers its own workers, and an
``mpirun`` inside a Slurm allocation hands Slurm's variables of the node, not of the process, to all it starts. Hence
the order torchrun, Open MPI, PMIx and PMI, Slurm.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import uuid
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Mapping, Optional, Sequence, Set, Tuple

__all__ = [
    "application_name",
    "attempt",
    "default_session_tag",
    "known_local_rank",
    "local_rank",
    "node_name",
    "rank",
    "session_tag",
    "world_size",
]

_logger = logging.getLogger(__name__)
_reported: Set[Tuple[str, str]] = set()  # variables and values that were warned about

_RANK = ("RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")
_WORLD_SIZE = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")
_LOCAL_RANK = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")

_NOT_SAID = -1

# torchrun's run id where none was given (--rdzv-id): equal for all jobs, so it names none.
_NO_RUN_ID = "none"


def rank(environ: Mapping[str, str]) -> int:
    """Return the number of this process among all of the job, 0 without a launcher."""
    return _first_number(environ, _RANK, minimum=0, default=0)


def world_size(environ: Mapping[str, str]) -> int:
    """Return the number of processes of the job, 1 without a launcher."""
    return _first_number(environ, _WORLD_SIZE, minimum=1, default=1)


def local_rank(environ: Mapping[str, str]) -> int:
    """Return the number of this process among those of the job on this node, 0 without a launcher."""
    return _first_number(environ, _LOCAL_RANK, minimum=0, default=0)


def known_local_rank(environ: Mapping[str, str]) -> Optional[int]:
    """Return :func:`local_rank`, or ``None`` where no launcher says it."""
    number = _first_number(environ, _LOCAL_RANK, minimum=0, default=_NOT_SAID)
    return None if number == _NOT_SAID else number


def attempt(environ: Mapping[str, str]) -> Optional[int]:
    """Return which attempt at the job this is, 1 for the first, ``None`` where no launcher counts.

    It is 1 + ``TORCHELASTIC_RESTART_COUNT`` of torchrun, else 1 + ``SLURM_RESTART_COUNT``, which Slurm sets from the
    first requeue on. ``None`` also where a requeued Slurm job runs torchrun, which then counts from 0 again: how often
    it had restarted before is not known.
    """
    restarts = _first_number(environ, ("TORCHELASTIC_RESTART_COUNT",), minimum=0, default=_NOT_SAID)
    requeues = _first_number(environ, ("SLURM_RESTART_COUNT",), minimum=0, default=_NOT_SAID)
    if requeues == _NOT_SAID and "SLURM_JOB_ID" in environ:
        requeues = 0
    if restarts != _NOT_SAID and requeues > 0:
        return None
    counted = max(restarts, requeues)
    return None if counted == _NOT_SAID else counted + 1


def node_name() -> str:
    """Return the host name of this machine, ``"unknown"`` when the system does not tell."""
    try:
        return socket.gethostname() or "unknown"
    except OSError:
        return "unknown"


def session_tag(environ: Mapping[str, str]) -> Optional[str]:
    """Return the launcher's id of this job, or ``None`` where it has none that is safe to use.

    The id is the same for all ranks and all restarts of one job, and differs between jobs: torchrun's run id (if one
    was given with ``--rdzv-id``), else Slurm's job and step (``4242.0``; two ``srun`` of one allocation are two
    sessions, a requeued job continues its own), else the job id of PBS or LSF. A default run id of torchrun is no id.
    """
    run_id = environ.get("TORCHELASTIC_RUN_ID", "").strip()
    if run_id and run_id != _NO_RUN_ID:
        return run_id
    slurm_job = environ.get("SLURM_JOB_ID", "").strip()
    if slurm_job:
        step = environ.get("SLURM_STEP_ID", "").strip()
        return f"{slurm_job}.{step}" if step else slurm_job
    for variable in ("PBS_JOBID", "LSB_JOBID"):
        job_id = environ.get(variable, "").strip()
        if job_id:
            return job_id
    return None


def default_session_tag(environ: Mapping[str, str]) -> str:
    """Return the tag of a run that was given none: the launcher's id of the job, else one of this start only.

    An equal tag says "continuation of the same run", so it is never equal by accident. Workers that one torchrun agent
    started without ``--rdzv-id``, and those it restarts, share the agent's tag (on Linux; on several nodes there are
    several agents, so give an id there). Otherwise each process has a tag of its own.
    """
    tag = session_tag(environ)
    if tag is not None:
        return tag
    if "TORCHELASTIC_RUN_ID" in environ:
        agent = _parent_identity()
        if agent is not None:
            return f"torchrun-{node_name()}-{agent}"
    started = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"{started}-{uuid.uuid4().hex[:12]}"


def _parent_identity() -> Optional[str]:
    """Return what no other process of this machine ever shares with the parent, ``None`` where it cannot be known."""
    parent = os.getppid()
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot_file:
            boot_id = boot_file.read().strip()
        with open(f"/proc/{parent}/stat", encoding="utf-8", errors="replace") as stat_file:
            # "pid (command) state ppid ...": the command may hold blanks and parentheses. Start time is field 22.
            start_ticks = stat_file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
    return f"{boot_id[:8]}-{parent}-{start_ticks}"


def application_name(
    environ: Mapping[str, str], argv: Optional[Sequence[str]] = None, main_module: Optional[str] = None
) -> str:
    """Return the name of the application that was given none.

    ``ONE_LOGGER_APPLICATION_NAME``, else the module after ``python -m``, else the name of the script without its
    ending, else ``"python"``.

    Args:
        environ: The environment.
        argv: The command line, by default this process's.
        main_module: Full name of the module that ``python -m`` runs, by default this process's.
    """
    given = environ.get("ONE_LOGGER_APPLICATION_NAME", "").strip()
    if given:
        return given
    module = _main_module() if main_module is None else main_module
    if module.endswith(".__main__"):
        module = module[: -len(".__main__")]
    if module and module != "__main__":
        return module
    arguments = sys.argv if argv is None else argv
    script = PurePath(arguments[0]).stem if arguments else ""
    return script if script.strip("-") not in ("", "c", "m") else "python"


def _main_module() -> str:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return str(getattr(spec, "name", "") or "")


def _first_number(environ: Mapping[str, str], variables: Sequence[str], minimum: int, default: int) -> int:
    for variable in variables:
        text = environ.get(variable)
        if text is None:
            continue
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if number >= minimum:
            return number
        _warn_once(variable, text, minimum)
    return default


def _warn_once(variable: str, text: str, minimum: int) -> None:
    if (variable, text) not in _reported:
        _reported.add((variable, text))
        _logger.warning(
            "Environment variable %s = %r is ignored: not an integer of at least %d. Correct or unset it.",
            variable,
            text,
            minimum,
        )
