"""One entry of an exporter configuration, as programs write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Union

__all__ = ["ExporterConfig"]


@dataclass
class ExporterConfig:
    """Which exporter to run, and with which arguments.

    Attributes:
        class_name: Catalogue name (``file``), ``package.module.Class`` or ``package.module:Class``.
        config: Keyword arguments of its constructor, converted by its annotations before it is called.
        enabled: Whether it runs.
        name: What this entry is called, so that other sources and the switches can refer to it.
        background: ``True``, or options of ``BackgroundExporter``, to export from a thread of its own.
    """

    class_name: str
    config: Dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    name: Optional[str] = None
    background: Union[bool, Dict[str, Any], None] = None
