"""Span ids: 128 random bits, shaped as a version 4 UUID."""

from __future__ import annotations

import os
import random

from nv_one_logger.core.internal.fork import after_fork_in_child

__all__ = ["new_id_bits", "uuid_text"]

# RFC 9562, section 5.4: version (bits 48-51) is 4, variant (bits 64-65) is binary 10.
_KEEP = ~((0xF << 76) | (0x3 << 62))
_VERSION_AND_VARIANT = (0x4 << 76) | (0x2 << 62)


class _IdGenerator:
    """A generator of our own: users seed the global ``random``, and all ranks would then draw the same ids."""

    def __init__(self) -> None:
        self._random = random.Random()
        self.getrandbits = self._random.getrandbits

    def reseed(self) -> None:
        """Begin a sequence of its own, from the system's entropy."""
        self._random.seed(os.urandom(32))


_generator = None


def new_id_bits() -> int:
    """Return a fresh id as an integer of 128 bits."""
    global _generator
    if _generator is None:  # on first use: importing must do no work
        _generator = _IdGenerator()
        after_fork_in_child(_generator, "reseed")
    return _generator.getrandbits(128) & _KEEP | _VERSION_AND_VARIANT


def uuid_text(bits: int) -> str:
    """Return the text of a UUID, ``8-4-4-4-12`` hexadecimal digits; a quarter of the time of ``str(UUID)``."""
    octets = bits.to_bytes(16, "big")
    return f"{octets[:4].hex()}-{octets[4:10].hex('-', 2)}-{octets[10:].hex()}"
