"""Lightning under either of its names: the package ``lightning``, else ``pytorch_lightning``.

Nothing of it is patched or checked here: what a release of Lightning changes must not fail this import.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from typing import Any, List, Tuple

try:
    import lightning.pytorch as ptl
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint
    from lightning.pytorch.utilities.types import STEP_OUTPUT
except ImportError:
    try:
        # To a type checker these are other classes; to users they are the same ones under another name.
        import pytorch_lightning as ptl  # type: ignore[no-redef]
        from pytorch_lightning import Callback, LightningModule, Trainer  # type: ignore[assignment]
        from pytorch_lightning.callbacks import ModelCheckpoint  # type: ignore[assignment]
        from pytorch_lightning.utilities.types import STEP_OUTPUT
    except ImportError as error:
        raise ImportError(
            f"Neither 'lightning' nor 'pytorch_lightning' can be imported ({error}). Install one of them: "
            "pip install 'nv-one-logger-pytorch-lightning-integration[lightning]'"
        ) from error

__all__ = ["Callback", "LightningModule", "ModelCheckpoint", "STEP_OUTPUT", "Trainer", "ptl"]

_log = logging.getLogger(__name__)


def _callback_bases() -> Tuple[Any, ...]:
    """Return the ``Callback`` of every Lightning package that is installed: the two are classes of their own.

    So that our callback is one for the trainers of both, and passes their ``isinstance`` checks.
    """
    bases: List[Any] = [Callback]
    other = "pytorch_lightning"
    if ptl.__name__ != other and importlib.util.find_spec(other) is not None:
        try:
            found = importlib.import_module(other).Callback
        except Exception as error:  # installed and broken; whoever uses it will learn why
            _log.debug("pytorch_lightning is installed and cannot be imported: %s", error)
        else:
            bases.append(found)
    return tuple(dict.fromkeys(bases))


callback_bases = _callback_bases()
