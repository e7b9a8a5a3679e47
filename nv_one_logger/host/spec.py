"""The hookspecs: every point at which a plugin may take part.

An implementation takes the arguments it names and may leave out the others. Arguments may be added later, never
removed or renamed. What an implementation raises is logged, counted against its plugin and kept away from the
application and from the other plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

import pluggy

from nv_one_logger.exporter.internal.hookimpl import PROJECT_NAME

if TYPE_CHECKING:
    from nv_one_logger.api.config import OneLoggerConfig
    from nv_one_logger.core.event import ErrorEvent, Event, TelemetryDataError
    from nv_one_logger.core.span import Span

hookspec = pluggy.HookspecMarker(PROJECT_NAME)


@hookspec
def configure(config: OneLoggerConfig) -> None:
    """The application has been configured.

    Called once, before ``initialize``, in the thread that configures; a plugin that is registered later gets it then.

    Args:
        config: Application, session and what else was configured. Read it, do not change it.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Greeter:
        ...     @hookimpl
        ...     def configure(self, config):
        ...         self.title = f"{config.application_name} ({config.session_tag})"
    """


@hookspec
def initialize() -> None:
    """Recording is about to begin: open files, connect, start threads.

    Called once, before anything is exported, in the order of registration. A raise here stops the configuration where
    errors propagate; in the quiet error strategy the plugin is left out and the others go on.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Opener:
        ...     @hookimpl
        ...     def initialize(self):
        ...         self.lines = []
    """


@hookspec
def export_start(span: Span) -> None:
    """A span has started.

    Called once per span, in the thread that started it, before anything else of that span. A plugin registered while
    spans are open gets the starts it missed first.

    Args:
        span: The span, still active. Read it now; it will change.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Starts:
        ...     names = []
        ...     @hookimpl
        ...     def export_start(self, span):
        ...         self.names.append(span.name_str)
    """


@hookspec
def export_stop(span: Span) -> None:
    """A span has finished.

    Called once per span, in the thread that stopped it, in the order the plugins were registered.
    ``span.attributes`` already holds ``duration_msec`` (int, milliseconds).

    Args:
        span: The finished span. It must not be changed.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class LastDuration:
        ...     @hookimpl
        ...     def export_stop(self, span):
        ...         self.msec = span.duration_msec()
    """


@hookspec
def export_event(event: Event, span: Span) -> None:
    """An event, neither start nor stop, has happened on an active span.

    Args:
        event: The event. It does not change any more.
        span: The span it happened on.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Names:
        ...     seen = []
        ...     @hookimpl
        ...     def export_event(self, event):  # `span` is not needed here, so it is left out
        ...         self.seen.append(event.name_str)
    """


@hookspec
def export_error(error_event: ErrorEvent, span: Span) -> None:
    """The application has met an error inside an active span.

    Args:
        error_event: What happened: message, and type, text and traceback of the exception if there was one.
        span: The span it happened in.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class LastError:
        ...     @hookimpl
        ...     def export_error(self, error_event, span):
        ...         self.text = f"{span.name_str}: {error_event.exception_type}"
    """


@hookspec
def export_telemetry_data_error(error: TelemetryDataError) -> None:
    """The telemetry itself is missing or unreliable; told to each plugin at most once.

    Args:
        error: Whether some data is missing or all of it, and why.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Doubt:
        ...     @hookimpl
        ...     def export_telemetry_data_error(self, error):
        ...         self.reason = error.error_message
    """


@hookspec(firstresult=True)
def should_export(span: Span) -> Optional[bool]:
    """A span has started that the recorder's own filter lets through: is it to be exported?

    Called once per span, before ``export_start``, unless the plugin is paused. The first answer that is not ``None``
    counts. ``False`` drops the span and all events and errors on it; its children are asked about by themselves. A
    raise counts as no answer.

    Args:
        span: The span, with the attributes it was started with.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class NoProbes:
        ...     @hookimpl
        ...     def should_export(self, span):
        ...         return False if span.name_str.startswith("probe") else None
    """


@hookspec
def flush(timeout_sec: float) -> None:
    """Somebody wants to be sure: deliver what was accepted so far.

    Called in a thread of its own, so that a plugin that hangs can be left behind.

    Args:
        timeout_sec: Seconds within which to return.

    Raises:
        ExportError: Not everything is durable at the backend.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Buffered:
        ...     lines = []
        ...     @hookimpl
        ...     def flush(self, timeout_sec):
        ...         self.lines.clear()
    """


@hookspec
def close() -> None:
    """Recording is over, or this plugin is unregistered: deliver what is held back and release resources.

    Called once, in a thread of its own; while the interpreter exits and threads can no longer be started, in the one
    that closes. All plugins together have a few seconds; one that takes longer is left behind. Nothing is called
    afterwards.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Closer:
        ...     @hookimpl
        ...     def close(self):
        ...         self.is_closed = True
    """


@hookspec
def one_logger_commands(group: Any) -> None:
    """The command ``one-logger`` has been asked for the command of this plugin.

    Called by the command line only, for the entry points of the group ``nv_one_logger.commands``.

    Args:
        group: The ``click.Group`` to add commands to.

    Example:
        >>> from nv_one_logger.host import hookimpl
        >>> class Hello:
        ...     @hookimpl
        ...     def one_logger_commands(self, group):
        ...         @group.command()
        ...         def hello():
        ...             print("hello")
    """
