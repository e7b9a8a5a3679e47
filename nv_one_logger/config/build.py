"""Turns decisions into plugins: everything is imported and converted before the first constructor is called."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Sequence, Set, Tuple

from nv_one_logger.config.gate import Plan
from nv_one_logger.config.masking import masked
from nv_one_logger.config.models import Origin, OriginKind, Problem
from nv_one_logger.config.prepare import Prepared, construct, prepare, problem_of
from nv_one_logger.config.provenance import Decision, Explanation, State, ValueOrigin
from nv_one_logger.config.report import in_order, is_raised, report, with_further
from nv_one_logger.config.resolve import Resolution
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.internal.redaction import redacted_error

__all__ = ["BuiltPlugin", "BuiltPlugins", "build", "check", "explain_imported"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltPlugin:
    """A plugin ready to be registered.

    Attributes:
        plugin: The exporter, module or object.
        name: Its unique name.
        aliases: All names it answers to.
    """

    plugin: object
    name: str
    aliases: Tuple[str, ...]


class BuiltPlugins(List[BuiltPlugin]):
    """The plugins in calling order, with the explanation of everything that led to them."""

    def __init__(self, plugins: Sequence[BuiltPlugin], explanation: Explanation) -> None:
        super().__init__(plugins)
        self.explanation = explanation


def build(resolution: Resolution, *, one_logger_config: object, quiet: bool, strict: bool) -> BuiltPlugins:
    """Construct every plugin that is on, in calling order.

    Everything is imported and converted before the first constructor runs, so that one error shows all mistakes and
    nothing needs undoing. When a constructor fails and that raises, what was already constructed is closed.

    Args:
        resolution: What was decided.
        one_logger_config: Handed to the one class that asks for it.
        quiet: Log everything instead of raising.
        strict: Raise for everything, in quiet mode too.

    Raises:
        ConfigError: Mistakes in what a person named; a ``ConfigErrors`` when there are several.
    """
    prepared = [prepare(plan, resolution.catalogue, one_logger_config) for plan in _enabled(resolution.plans)]
    problems = [*resolution.problems, *(problem for item in prepared for problem in item.problems)]
    problems.extend(_same_class_twice(prepared))
    if any(is_raised(problem, quiet=quiet, strict=strict) for problem in problems):
        problems = with_further(problems, _trial_problems(resolution))
    report(problems, quiet=quiet, strict=strict)
    plugins, failures = _construct_all(prepared, quiet=quiet, strict=strict)
    errors = [problem.error for problem in (*problems, *failures.values())]
    return BuiltPlugins(plugins, _explanation(resolution, prepared, failures, errors))


def check(resolution: Resolution) -> Tuple[Problem, ...]:
    """Return every mistake that ``build`` would find before constructing anything; for checking a file."""
    prepared = [prepare(plan, resolution.catalogue, object()) for plan in _enabled(resolution.plans)]
    found = [problem for item in prepared for problem in item.problems]
    problems = [*resolution.problems, *found, *_same_class_twice(prepared)]
    return tuple(in_order(with_further(problems, _trial_problems(resolution))))


def explain_imported(resolution: Resolution) -> Explanation:
    """Explain with the constructors' defaults, for which what is on is imported; nothing is constructed."""
    prepared = [prepare(plan, resolution.catalogue, object()) for plan in _enabled(resolution.plans)]
    return _explanation(resolution, prepared, {}, [problem.error for problem in check(resolution)])


def _explanation(
    resolution: Resolution, prepared: Sequence[Prepared], failures: Mapping[int, Problem], errors: Sequence[ConfigError]
) -> Explanation:
    broken = {id(item.plan): str(item.problems[0].error) for item in prepared if item.problems}
    broken.update({key: str(problem.error) for key, problem in failures.items()})
    decisions = tuple(_final_decision(plan, prepared, broken) for plan in resolution.plans)
    return replace(resolution.explanation, decisions=decisions, problems=tuple(map(str, errors)))


def _enabled(plans: Sequence[Plan]) -> List[Plan]:
    return [plan for plan in plans if plan.decision.state is State.ON]


def _construct_all(
    prepared: Sequence[Prepared], *, quiet: bool, strict: bool
) -> Tuple[List[BuiltPlugin], Dict[int, Problem]]:
    built: List[BuiltPlugin] = []
    failures: Dict[int, Problem] = {}
    for item in prepared:
        if item.problems:
            continue
        try:
            plugin = construct(item)
        except ConfigError as error:
            failures[id(item.plan)] = problem_of(item.plan.merged, error)
            continue
        taken = {other.name for other in built}
        built.append(BuiltPlugin(plugin, _unique(item.plan.decision.name, taken), item.plan.decision.aliases))
    try:
        report(failures.values(), quiet=quiet, strict=strict)
    except ConfigError:
        _close(built)
        raise
    return built, failures


def _close(built: Sequence[BuiltPlugin]) -> None:
    for item in reversed(built):
        close = getattr(item.plugin, "close", None)
        try:
            if callable(close):
                close()
        except Exception as error:
            traceback, shown = redacted_error(error)
            _logger.warning("Closing %s after a failed configuration raised.%s", item.name, traceback, exc_info=shown)


def _unique(name: str, taken: Set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}#{number}"
    return unique


def _same_class_twice(prepared: Sequence[Prepared]) -> List[Problem]:
    """Two spellings of one class that only importing could tell apart: both run, which may not be meant."""
    problems: List[Problem] = []
    first: Dict[int, Prepared] = {}
    for item in prepared:
        if item.problems or not isinstance(item.found, type):
            continue
        other = first.setdefault(id(item.found), item)
        keys = (other.plan.decision.class_name, item.plan.decision.class_name)
        if other is item or keys[0] == keys[1] or item.plan.merged.own_name:
            continue
        error = item.plan.merged.top.origin.error(
            f"is the same class as {keys[0]} in {other.plan.merged.top.origin.place}; both run",
            key=f"{item.plan.merged.top.path}.class_name",
            value=keys[1],
            remedy="Write the class the same way, or give each entry a name",
        )
        problems.append(Problem(error, asked=False))
    return problems


def _trial_problems(resolution: Resolution) -> List[Problem]:
    """Further mistakes of entries that are refused anyway, so that they show in the same error."""
    prepared = [prepare(plan, resolution.catalogue, object()) for plan in _enabled(resolution.trial.plans)]
    return [*resolution.trial.problems, *(problem for item in prepared for problem in item.problems)]


def _final_decision(plan: Plan, prepared: Sequence[Prepared], broken: Mapping[int, str]) -> Decision:
    item = next((found for found in prepared if found.plan is plan), None)
    if item is None:
        return plan.decision
    if id(plan) in broken:
        return replace(plan.decision, state=State.BROKEN, reason=broken[id(plan)])
    values = (*plan.decision.values, *_default_values(item))
    return replace(plan.decision, values=values)


def _default_values(item: Prepared) -> List[ValueOrigin]:
    label = f"default of {getattr(item.found, '__name__', 'the constructor')}"
    origin = Origin(OriginKind.DEFAULT, label)
    return [
        ValueOrigin(f"config.{name}", masked(name, default), origin)
        for name, default in item.arguments.defaults.items()
    ]
