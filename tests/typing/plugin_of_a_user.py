"""A plugin made of bare hookimpls, registered by hand."""

from __future__ import annotations

from typing import List, Optional

from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span
from nv_one_logger.host import ExporterHost, hookimpl


class Names:
    """Remembers the names of what it was told."""

    def __init__(self) -> None:
        self.seen: List[str] = []

    @hookimpl
    def export_start(self, span: Span) -> None:
        """Remember a span."""
        self.seen.append(span.name_str)

    @hookimpl
    def export_event(self, event: Event) -> None:
        """Remember an event; the span is not asked for."""
        self.seen.append(event.name_str)


host = ExporterHost()
plugin = Names()
name: Optional[str] = host.register(plugin, name="names")
assert name == "names"
assert host.get_plugin("names") is plugin
assert host.is_registered(plugin)
host.initialize()
host.hook.export_start(span=Span.create("work"))
assert plugin.seen == ["work"]
host.close()
