"""The pluggy host: registers, blocks and lists the plugins of one recorder."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Collection, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

import pluggy

from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.internal.hookimpl import PROJECT_NAME
from nv_one_logger.host import spec
from nv_one_logger.host.adapter import make_adapter, positional
from nv_one_logger.host.guard import CLOSE_TIMEOUT_SEC, Guard, PluginStatus, Target
from nv_one_logger.host.inspection import EXPORTER_METHODS, HookImpl, describe, find_hookimpls, is_exporter

__all__ = ["ExporterHost", "PluginFailure"]

_logger = logging.getLogger(__name__)


class PluginFailure(NamedTuple):
    """A plugin that could not be initialized."""

    name: str
    plugin: object
    error: Exception


class _Registration(NamedTuple):
    name: str
    plugin: object
    guard: Guard
    adapter: object
    aliases: Set[str]


class ExporterHost:
    """Registers, blocks and lists the plugins of one recorder, and calls them through ``host.hook``.

    A plugin is an exporter, or any object or module with functions marked ``@hookimpl``. Everything here takes and
    returns the plugins that were registered; what stands between them and pluggy is not seen. Plugins may be registered
    and unregistered at any time, from any thread.

    Args:
        open_spans: Returns the spans that are open, oldest first; a plugin that joins late is told their starts.
        clock: Monotonic seconds.
    """

    def __init__(
        self, open_spans: Callable[[], Iterable[Span]] = tuple, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.open_spans = open_spans
        self._clock = clock
        self._pm = pluggy.PluginManager(PROJECT_NAME)
        self._pm.add_hookspecs(spec)
        # Guards everything below, and registration with pluggy.
        self._lock = threading.RLock()
        self._registrations: Dict[str, _Registration] = {}
        self._failed: Dict[str, _Registration] = {}
        self._blocked: Dict[str, Optional[object]] = {}  # blocked name -> the plugin that was kept out, if one came
        self._config: Optional[object] = None
        self._is_initialized = False
        self._is_closed = False
        self._filters_spans = False
        after_fork_in_child(self, "_renew_after_fork")

    @property
    def hook(self) -> Any:
        """The hook callers of pluggy, ``host.hook.export_start(span=span)``; arguments are given by name."""
        return self._pm.hook

    @property
    def filters_spans(self) -> bool:
        """Whether any plugin implements ``should_export``."""
        return self._filters_spans

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    # -- registering ----------------------------------------------------------------------------------------------

    def register(self, plugin: object, name: Optional[str] = None, aliases: Iterable[str] = ()) -> Optional[str]:
        """Add a plugin and return its name, or ``None`` when that name is blocked.

        A plugin that joins a running host is configured and initialized at once, and told the starts of the spans that
        are open.

        Args:
            plugin: An exporter, or an object or module with hookimpls.
            name: Its name; by default the dotted path of its class or module, with a number where that is taken.
            aliases: More names it answers to, when it is asked for or blocked.

        Raises:
            PluginError: It fits no hookspec, is registered already, its name is taken, or it fails to initialize while
                the host runs. Nothing of it stays registered.
        """
        with self._lock:
            if self._is_closed:
                raise PluginError(f"Plugin {describe(plugin)} cannot be registered: the host is closed.")
            if self._find(plugin) is not None:
                raise PluginError(f"Plugin {describe(plugin)} is registered already, as {self.get_name(plugin)!r}.")
            names = {*aliases, describe(plugin)} | ({name} if name else set())
            blocked = names & set(self._blocked)
            if blocked:
                self._blocked.update((one, plugin) for one in blocked)
                return None
            chosen = self._free_name(name, plugin)
            registration = self._make(plugin, chosen, names | {chosen})
            self._pm.register(registration.adapter, chosen)
            self._registrations[chosen] = registration
            self._note_filters()
        if self._is_initialized:
            self._let_join(registration)
        return chosen

    def unregister(self, plugin_or_name: object) -> object:
        """Remove a plugin, close it, and return it.

        Raises:
            PluginError: There is no such plugin.
        """
        with self._lock:
            registration = self._find(plugin_or_name)
            if registration is None:
                known = ", ".join(self._registrations) or "none"
                raise PluginError(f"There is no plugin {plugin_or_name!r} to unregister. Registered: {known}.")
            self._remove(registration)
        if self._is_initialized:
            registration.guard.close_within()
        return registration.plugin

    def block(self, name: str) -> None:
        """Refuse a name, or any other name a plugin answers to, from now on; unregister the plugin that has it."""
        with self._lock:
            registration = self._find(name)
            self._blocked[name] = registration.plugin if registration else None
        if registration is not None:
            self.unregister(registration.name)

    def is_blocked(self, name: str) -> bool:
        """Whether a name is refused."""
        return name in self._blocked

    def is_registered(self, plugin: object) -> bool:
        """Whether exactly this plugin, not an equal one, is registered."""
        return any(registration.plugin is plugin for registration in list(self._registrations.values()))

    def get_plugin(self, name: str) -> Optional[object]:
        """Return the plugin that answers to a name, ``None`` if there is none."""
        registration = self._find(name)
        return None if registration is None else registration.plugin

    def get_name(self, plugin: object) -> Optional[str]:
        """Return the name a plugin is registered under, ``None`` if it is not."""
        for registration in list(self._registrations.values()):
            if registration.plugin is plugin:
                return registration.name
        return None

    def plugins(self) -> List[Tuple[str, object]]:
        """Return the names and plugins in the order in which they are called."""
        return [(registration.name, registration.plugin) for registration in list(self._registrations.values())]

    def guard_of(self, plugin: object) -> Optional[Guard]:
        """Return what keeps the counters of a plugin; for the recorder of this host."""
        for registration in [*self._registrations.values(), *self._failed.values()]:
            if registration.plugin is plugin:
                return registration.guard
        return None

    # -- life cycle -----------------------------------------------------------------------------------------------

    def configure(self, config: Any) -> None:
        """Call the hook ``configure``, now and for every plugin that joins later."""
        self._config = config
        self.hook.configure(config=config)

    def initialize(self) -> List[PluginFailure]:
        """Call the hook ``initialize``; a plugin that fails takes part no longer. Returns what failed, and why."""
        self.hook.initialize()
        failures = []
        with self._lock:
            self._is_initialized = True
            for registration in list(self._registrations.values()):
                error = registration.guard.errors_by_hook.pop("initialize", None)
                if error is not None:
                    self._remove(registration)
                    self._failed[registration.name] = registration
                    failures.append(PluginFailure(registration.name, registration.plugin, error))
        return failures

    def flush(self, timeout_sec: float = CLOSE_TIMEOUT_SEC) -> bool:
        """Have all plugins deliver what they accepted so far; tell whether all did, within so many seconds each.

        A plugin without the hook delivers at once anyway, or has no way to be asked.
        """
        return all(self.hook.flush(timeout_sec=timeout_sec))

    def close(self, timeout_sec: float = CLOSE_TIMEOUT_SEC) -> None:
        """Close all plugins, in order, within one deadline for all of them, and log the counters of the unclean ones.

        A plugin that takes too long is left behind in a daemon thread; the others are closed all the same.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        deadline = self._clock() + timeout_sec
        guards = [registration.guard for registration in list(self._registrations.values())]
        waiting = set(map(id, guards))
        for guard in guards:
            guard.close_timeout_sec = _share_of(deadline, self._clock, waiting, guard)
            if guard.is_trial_due:
                guard.catch_up()  # the last chance to tell it of the stops it missed
        self.hook.close()
        for guard in guards:
            if guard.unfinished_close is not None and not guard.unfinished_close.wait(deadline - self._clock()):
                _logger.warning(
                    "Plugin %s did not close within %s seconds and is left behind.", guard.name, timeout_sec
                )
        self._log_unclean()

    def status(self) -> List[PluginStatus]:
        """Return the counters of every plugin, in calling order; then the failed and the blocked ones."""
        with self._lock:
            statuses = [_status(registration, "on") for registration in self._registrations.values()]
            statuses += [_status(registration, "failed") for registration in self._failed.values()]
            for name, plugin in self._blocked.items():
                guard = Guard(name, None, (), self._clock)
                statuses.append(guard.status("" if plugin is None else describe(plugin), "blocked"))
        return statuses

    # -- details --------------------------------------------------------------------------------------------------

    def _make(self, plugin: object, name: str, aliases: Set[str]) -> _Registration:
        implementations = find_hookimpls(plugin)
        wrappers = [one for one in implementations if one.is_wrapper]
        plain = [one for one in implementations if not one.is_wrapper]
        if is_exporter(plugin):
            target, hooks = _exporter_target(plugin, plain)
            tryfirst: Collection[str] = ()
        else:
            target, hooks = Target({one.hook: positional(one) for one in plain}), [one.hook for one in plain]
            tryfirst = [one.hook for one in plain if one.tryfirst]
        if not hooks and not wrappers:
            raise PluginError(
                f"Plugin {describe(plugin)} is neither an exporter nor has it any function marked @hookimpl. "
                "Mark its functions with nv_one_logger.host.hookimpl."
            )
        guard = Guard(name, target, hooks, self._clock)
        if self._is_initialized:
            guard.close_gate()  # until it has been told what it missed
        return _Registration(name, plugin, guard, make_adapter(guard, tryfirst, wrappers), aliases)

    def _free_name(self, name: Optional[str], plugin: object) -> str:
        if name is not None:
            if name in self._registrations:
                raise PluginError(
                    f"The name {name!r} is taken by plugin {describe(self._registrations[name].plugin)}. "
                    f"Give {describe(plugin)} another one."
                )
            return name
        path = describe(plugin)
        number = 1
        while (path if number == 1 else f"{path}#{number}") in self._registrations:
            number += 1
        return path if number == 1 else f"{path}#{number}"

    def _find(self, plugin_or_name: object) -> Optional[_Registration]:
        registrations = list(self._registrations.values())
        for registration in registrations:
            if registration.plugin is plugin_or_name:
                return registration
        if not isinstance(plugin_or_name, str):
            return None
        exact = self._registrations.get(plugin_or_name)
        if exact is not None:
            return exact
        return next((one for one in registrations if plugin_or_name in one.aliases), None)

    def _remove(self, registration: _Registration) -> None:
        self._pm.unregister(registration.adapter)
        del self._registrations[registration.name]
        self._note_filters()

    def _note_filters(self) -> None:
        self._filters_spans = bool(self.hook.should_export.get_hookimpls())

    def _let_join(self, registration: _Registration) -> None:
        """Configure and initialize a plugin in a running host, then tell it what it missed."""
        guard = registration.guard
        if self._config is not None and "configure" in guard.hooks:
            guard.call_plain("configure", self._config)
        if "initialize" in guard.hooks:
            guard.call_plain("initialize")
        error = guard.errors_by_hook.pop("initialize", None)
        if error is not None:
            with self._lock:
                self._remove(registration)
                self._failed[registration.name] = registration
            raise PluginError(f"Plugin {registration.name} could not be initialized: {error}") from error
        guard.join_late(self.open_spans)

    def _log_unclean(self) -> None:
        unclean = [status for status in self.status() if status.state != "blocked" and not status.is_clean]
        for status in unclean:
            _logger.warning(
                "Plugin %s ends as %s: %d of %d calls failed, %d were skipped, %d stops lost. Last error: %s",
                status.name,
                status.state,
                status.failures,
                status.calls,
                status.skipped,
                status.lost_stops,
                status.last_error,
            )

    def _renew_after_fork(self) -> None:
        self._lock = threading.RLock()
        for registration in self._registrations.values():
            registration.guard.renew_after_fork()


def _exporter_target(plugin: Any, marked: List[HookImpl]) -> Tuple[Any, List[str]]:
    """Return what to call for an exporter: itself, with its marked functions for the hooks it has no method for."""
    more = [one for one in marked if one.hook not in EXPORTER_METHODS]
    hooks = [*EXPORTER_METHODS, *(one.hook for one in more)]
    if all(one.function.__name__ == one.hook for one in more):
        return plugin, hooks
    return _Renamed(plugin, {one.hook: positional(one) for one in more}), hooks


class _Renamed:
    """An exporter whose marked functions go by other names than their hooks."""

    def __init__(self, plugin: object, functions: Dict[str, Callable[..., Any]]) -> None:
        self._plugin = plugin
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        function = self._functions.get(name)
        return getattr(self._plugin, name) if function is None else function


def _share_of(deadline: float, clock: Callable[[], float], waiting: Set[int], guard: Guard) -> Callable[[], float]:
    """Return how long a plugin may hold up the others: an equal part of what is left until the deadline."""

    def seconds() -> float:
        share = (deadline - clock()) / max(1, len(waiting))
        waiting.discard(id(guard))
        return max(0.0, share)

    return seconds


def _status(registration: _Registration, state: str) -> PluginStatus:
    return registration.guard.status(describe(registration.plugin), state)
