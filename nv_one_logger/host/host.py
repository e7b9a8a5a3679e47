"""The pluggy host: registers, blocks and lists the plugins of one recorder."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

import pluggy

from nv_one_logger.core.exceptions import PluginError
from nv_one_logger.core.internal.fork import after_fork_in_child
from nv_one_logger.core.internal.redaction import redacted, redacted_error
from nv_one_logger.core.span import Span
from nv_one_logger.exporter.internal.hookimpl import PROJECT_NAME
from nv_one_logger.host import spec
from nv_one_logger.host.adapter import make_adapter
from nv_one_logger.host.deadline import NEEDS_RESERVE, reserve
from nv_one_logger.host.former import FormerPlugins
from nv_one_logger.host.guard import CLOSE_TIMEOUT_SEC, Guard, PluginStatus
from nv_one_logger.host.inspection import describe
from nv_one_logger.host.target import find_parts

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
        self._former = FormerPlugins()
        self._leaving: List[object] = []  # unregistered, and being closed
        self._blocked: Dict[str, Optional[object]] = {}  # blocked name -> the plugin that was kept out, if one came
        self.admits: Callable[[object, Optional[str]], bool] = _admit
        """Asked about a plugin and the name given for it: whether it may be registered. For the provider's switches."""
        self._config: Optional[object] = None
        self._is_initialized = False
        self._is_closed = False
        self.filters_spans = False
        """Whether any plugin implements ``should_export``. A plain attribute: every span asks."""
        after_fork_in_child(self, "_renew_after_fork")

    @property
    def hook(self) -> Any:
        """The hook callers of pluggy, ``host.hook.export_start(span=span)``; arguments are given by name."""
        return self._pm.hook

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._is_closed

    # -- registering ----------------------------------------------------------------------------------------------

    def register(self, plugin: object, name: Optional[str] = None, aliases: Iterable[str] = ()) -> Optional[str]:
        """Add a plugin and return its name, or ``None`` when that name is blocked or a switch keeps the plugin out.

        A plugin that joins a running host is configured and initialized at once, and told the starts of the spans that
        are open.

        Args:
            plugin: An exporter, or an object or module with hookimpls.
            name: Its name; by default the dotted path of its class or module, with a number where that is taken.
            aliases: More names it answers to, when it is asked for or blocked.

        Raises:
            PluginError: It fits no hookspec, is registered already or just being closed, its name is taken, or it fails
                to initialize while the host runs. Nothing of it stays registered.
        """
        with self._lock:
            if self._is_closed:
                raise PluginError(f"Plugin {describe(plugin)} cannot be registered: the host is closed.")
            if self._find(plugin) is not None:
                raise PluginError(f"Plugin {describe(plugin)} is registered already, as {self.get_name(plugin)!r}.")
            if any(plugin is leaving for leaving in self._leaving):
                raise PluginError(
                    f"Plugin {describe(plugin)} is being closed. Register it again when unregister() has returned."
                )
            names = {*aliases, describe(plugin)} | ({name} if name else set())
            blocked = names & set(self._blocked)
            if blocked:
                self._blocked.update((one, plugin) for one in blocked)
                return None
            if not self.admits(plugin, name):
                return None
            chosen = self._free_name(name, plugin)
            registration = self._make(plugin, chosen, names | {chosen})
            self._pm.register(registration.adapter, chosen)
            self._registrations[chosen] = registration
            self._failed.pop(chosen, None)
            self._note_filters()
            config, is_late = self._config, self._is_initialized
            if NEEDS_RESERVE:
                reserve().keep(len(self._registrations))  # a thread for each close() that may hang at the exit
        self._welcome(registration, config, is_late)
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
        self._close_removed(registration)
        return registration.plugin

    def block(self, name: str) -> None:
        """Refuse a name, or any other name a plugin answers to, from now on; unregister the plugins that have it."""
        with self._lock:
            blocked = [one for one in self._registrations.values() if name == one.name or name in one.aliases]
            self._blocked[name] = blocked[0].plugin if blocked else self._blocked.get(name)
            for registration in blocked:
                self._remove(registration)
        for registration in blocked:
            self._close_removed(registration)

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
        with self._lock:  # so that a plugin that registers just now is configured once
            self._config = config
            self.hook.configure(config=config)

    def initialize(self) -> List[PluginFailure]:
        """Call the hook ``initialize``; a plugin that fails takes part no longer. Returns what failed, and why.

        Once: plugins of a host that was initialized before were initialized when they were registered.
        """
        failures: List[PluginFailure] = []
        with self._lock:  # so that a plugin that registers just now is initialized once
            if self._is_initialized:
                return failures
            self._is_initialized = True  # a plugin that another one registers meanwhile joins at once
            self.hook.initialize()
            for registration in list(self._registrations.values()):
                error = registration.guard.take_initialize_error()
                if error is not None:
                    self._fail(registration)
                    failures.append(PluginFailure(registration.name, registration.plugin, error))
        return failures

    def flush(self, timeout_sec: float = CLOSE_TIMEOUT_SEC) -> bool:
        """Have all plugins deliver what they accepted so far; tell whether all did, within so many seconds each.

        A plugin without the hook delivers at once anyway, or has no way to be asked.
        """
        result = self.hook.flush(timeout_sec=timeout_sec)
        return all(result) if isinstance(result, list) else bool(result)  # a wrapper may have made it anything

    def close(self, timeout_sec: float = CLOSE_TIMEOUT_SEC) -> None:
        """Close all plugins, in order, within one deadline for all of them, and log the counters of the unclean ones.

        A plugin that takes too long is left behind in a daemon thread; the others are closed all the same. When this
        is interrupted, as by Ctrl-C, the next call closes the plugins that are left.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        try:
            self._close_all(timeout_sec)
        except BaseException:
            self._is_closed = False
            raise
        self._log_unclean()

    def _close_all(self, timeout_sec: float) -> None:
        deadline = self._clock() + timeout_sec
        guards = [registration.guard for registration in list(self._registrations.values())]
        waiting = set(map(id, guards))
        for guard in guards:
            guard.close_timeout_sec = _share_of(deadline, self._clock, waiting, guard)
        self.hook.close()
        for guard in guards:
            guard.close_within()  # those without the hook; the others are closed already
        for guard in guards:
            if guard.unfinished_close is not None and not guard.unfinished_close.wait(deadline - self._clock()):
                _warn_left_behind(guard, timeout_sec)

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
        parts = find_parts(plugin)
        guard = Guard(name, parts.target, parts.hooks, self._clock, self._former.recall(plugin))
        if self._is_initialized:
            guard.close_gate()  # until it has been told what it missed
        return _Registration(name, plugin, guard, make_adapter(guard, parts.tryfirst, parts.wrappers), aliases)

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
        self._former.remember(registration.plugin, registration.guard.started)
        self._leaving.append(registration.plugin)
        self._note_filters()

    def _fail(self, registration: _Registration) -> None:
        registration.guard.retire()
        if self._registrations.get(registration.name) is registration:
            self._remove(registration)
            self._leave(registration)
            self._failed[registration.name] = registration

    def _close_removed(self, registration: _Registration) -> None:
        try:
            if self._is_initialized:
                registration.guard.close_within()
        finally:
            self._leave(registration)
        if registration.guard.unfinished_close is not None:
            _warn_left_behind(registration.guard, CLOSE_TIMEOUT_SEC)

    def _leave(self, registration: _Registration) -> None:
        with self._lock:
            self._leaving = [plugin for plugin in self._leaving if plugin is not registration.plugin]

    def _note_filters(self) -> None:
        self.filters_spans = bool(self.hook.should_export.get_hookimpls())

    def _welcome(self, registration: _Registration, config: Optional[object], is_late: bool) -> None:
        """Do for a plugin what was done for the others before: configure, initialize, tell what is open."""
        guard = registration.guard
        try:
            if config is not None and "configure" in guard.hooks:
                guard.call_plain("configure", config)
            if is_late:
                self._let_join(guard)
        except BaseException:
            with self._lock:
                self._fail(registration)
            raise

    def _let_join(self, guard: Guard) -> None:
        if "initialize" in guard.hooks:
            guard.initialize()
        error = guard.take_initialize_error()
        if error is not None:
            problem = f"Plugin {guard.name} could not be initialized: {redacted(str(error))}"
            raise PluginError(problem) from redacted_error(error)[1]
        guard.join_late(self.open_spans)

    def _log_unclean(self) -> None:
        unclean = [status for status in self.status() if status.state != "blocked" and not status.is_clean]
        for status in unclean:
            _logger.warning(
                "Plugin %s ends as %s: %d calls, %d failures, %d skipped, %d stops lost. Last error: %s",
                status.name,
                status.state,
                status.calls,
                status.failures,
                status.skipped,
                status.lost_stops,
                status.last_error,
            )

    def _renew_after_fork(self) -> None:
        self._lock = threading.RLock()
        for registration in self._registrations.values():
            registration.guard.renew_after_fork()


def _admit(plugin: object, name: Optional[str]) -> bool:
    return True


def _warn_left_behind(guard: Guard, timeout_sec: float) -> None:
    _logger.warning("Plugin %s did not close within %s seconds and is left behind.", guard.name, timeout_sec)


def _share_of(deadline: float, clock: Callable[[], float], waiting: Set[int], guard: Guard) -> Callable[[], float]:
    """Return how long a plugin may hold up the others: an equal part of what is left until the deadline."""

    def seconds() -> float:
        share = (deadline - clock()) / max(1, len(waiting))
        waiting.discard(id(guard))
        return max(0.0, share)

    return seconds


def _status(registration: _Registration, state: str) -> PluginStatus:
    return registration.guard.status(describe(registration.plugin), state)
