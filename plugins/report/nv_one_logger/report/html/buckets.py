"""How each bucket of the ledger is called, explained and drawn.

Related buckets share a colour and differ in their pattern. The colours stand in ``style.css``, one set for light and
one for dark; they were searched for those that people with any kind of colour vision tell apart best, and that stand
out from the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from nv_one_logger.report.model import Bucket

__all__ = ["LOOKS", "Look"]


@dataclass(frozen=True)
class Look:
    """How one bucket appears.

    Attributes:
        label: Its name.
        meaning: What it holds, in a sentence.
        tone: The last part of the name of its CSS variable.
        pattern: Shape of the pattern, as plotly names it; empty for none.
    """

    label: str
    meaning: str
    tone: str
    pattern: str = ""

    @property
    def color(self) -> str:
        """The colour as a reference to the CSS variable; the page puts in the value that fits its theme."""
        return f"var(--figure-{self.tone})"

    @property
    def css_class(self) -> str:
        """The class of a swatch with this colour and pattern."""
        shapes = {"": "solid", "/": "slash", "\\": "backslash", "x": "cross", ".": "dots", "-": "lines"}
        return f"swatch tone-{self.tone} shape-{shapes[self.pattern]}"


LOOKS: Mapping[Bucket, Look] = {
    Bucket.TRAINING: Look("Training", "Iterations whose result the run kept.", "training"),
    Bucket.LOST: Look("Lost iterations", "Iterations that had to be done again.", "lost"),
    Bucket.DATA_WAIT: Look("Data wait", "Waiting for the data loader.", "data"),
    Bucket.VALIDATION: Look("Validation", "Validation loops.", "evaluation"),
    Bucket.TESTING: Look("Testing", "Testing loops.", "evaluation", "/"),
    Bucket.CHECKPOINT_SAVE: Look("Checkpoint save", "Saving checkpoints, as far as it held up training.", "checkpoint"),
    Bucket.CHECKPOINT_LOAD: Look("Checkpoint load", "Loading checkpoints.", "checkpoint", "/"),
    Bucket.START_UP: Look("Start-up", "From the start of the process to the first span that says more.", "setup"),
    Bucket.DISTRIBUTED_INIT: Look("Distributed set-up", "Setting up communication between ranks.", "setup", "/"),
    Bucket.DATA_LOADER_INIT: Look("Data loader set-up", "Setting up data loaders.", "setup", "\\"),
    Bucket.MODEL_INIT: Look("Model set-up", "Building the model.", "setup", "x"),
    Bucket.OPTIMIZER_INIT: Look("Optimizer set-up", "Building the optimizer.", "setup", "."),
    Bucket.ATTEMPT_GAP: Look("Between attempts", "From the end of an attempt to the start of the next.", "gap", "/"),
    Bucket.LOST_RANK: Look("Lost rank", "After the last record of a rank that ended early.", "lost-rank", "-"),
    Bucket.IDLE: Look("Idle or unknown", "No record says what the rank did.", "idle"),
}
"""Every bucket, in the order of :class:`Bucket`."""
