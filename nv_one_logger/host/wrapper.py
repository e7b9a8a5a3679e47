"""Makes the wrappers that pluggy calls: those of plugins, guarded, so that one that fails is passed over."""

from __future__ import annotations

from typing import Any, Callable, Dict, Generator, Optional, Sequence

from nv_one_logger.host.guard import Guard
from nv_one_logger.host.inspection import HOOK_ARGUMENTS, HookImpl
from nv_one_logger.host.target import positional

__all__ = ["wrapped"]


def wrapped(guard: Guard, implementation: HookImpl) -> Callable[..., Any]:
    """Return a guarded wrapper: one that fails, before or after its yield, is passed over."""
    hook = implementation.hook
    begin = positional(implementation)
    is_export = hook.startswith("export_")

    def run(*arguments: Any) -> Generator[None, Any, Any]:
        # Around the other hooks it is called always, as their plain implementations are.
        if is_export and guard.is_gate_closed and not guard.admits(hook, None):
            return (yield)
        one_run = _WrapperRun(guard, hook, is_export)
        one_run.begin(begin, arguments)
        try:
            # The implementations inside are guarded: what comes out is a result, or no `Exception` at all.
            result = yield
        except BaseException:
            one_run.abandon()
            raise
        return one_run.finish(result)

    return _with_arguments(HOOK_ARGUMENTS[hook], run)


class _WrapperRun:
    """One call of a wrapper of a plugin, from before its yield until after it."""

    def __init__(self, guard: Guard, hook: str, is_export: bool) -> None:
        self._guard = guard
        self._hook = hook
        self._call_number = guard.calls.tick() if is_export else None
        self._generator: Optional[Generator[None, Any, Any]] = None  # None once it has failed

    def begin(self, make: Callable[..., Any], arguments: Sequence[Any]) -> None:
        generator = None
        try:
            generator = make(*arguments)
            next(generator)
        except StopIteration:
            self._fail(_not_once())
        except Exception as error:
            self._fail(error)
        else:
            self._generator = generator

    def finish(self, result: Any) -> Any:
        if self._generator is None:
            return result
        try:
            self._generator.send(result)
        except StopIteration as end:
            if self._guard.is_success_news:
                self._guard.succeeded()
            return end.value
        except Exception as error:
            self._fail(error)
            return result
        self._fail(_not_once())
        self.abandon()
        return result

    def abandon(self) -> None:
        """Let a wrapper that is not resumed clean up."""
        try:
            if self._generator is not None:
                self._generator.close()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self._call_number is None:
            self._guard.note(self._hook, error)
        else:
            self._guard.failed(self._hook, error, self._call_number)


def _not_once() -> Exception:
    return RuntimeError("a wrapper has to yield exactly once")


def _with_arguments(names: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``run`` the argument names of a hook, by which pluggy calls it."""
    arguments = ", ".join(names)
    namespace: Dict[str, Any] = {"run": run}
    # pluggy reads the names from the function itself, and a wrapper has to be a generator function.
    exec(f"def wrapper({arguments}):\n    return (yield from run({arguments}))", namespace)
    wrapper: Callable[..., Any] = namespace["wrapper"]
    return wrapper
