"""The pluggy host: every exporter is a hookimpl plugin, and this is what it plugs into.

A whole plugin::

    from nv_one_logger.host import hookimpl

    class SlowSpans:
        \"\"\"Prints every span that took longer than a second.\"\"\"

        @hookimpl
        def export_stop(self, span):
            if span.duration_msec() > 1000:
                print(f"{span.name_str} took {span.duration_msec()} ms")

    provider.with_plugin(SlowSpans(), name="slow_spans")

A module with such functions is a plugin as well, and so is an :class:`~nv_one_logger.exporter.exporter.Exporter`. A
distribution that publishes one in the entry-point group ``nv_one_logger.exporters`` can be enabled by its name.
"""

from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.exporter.internal.hookimpl import hookimpl
from nv_one_logger.host.guard import PluginStatus
from nv_one_logger.host.host import ExporterHost, PluginFailure
from nv_one_logger.host.inspection import has_hookimpls

__all__ = ["ExporterHost", "PluginError", "PluginFailure", "PluginStatus", "has_hookimpls", "hookimpl"]
