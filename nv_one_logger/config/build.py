"""Turns decisions into plugins: imports, converts all arguments, and only then constructs."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from nv_one_logger.config.convert import Converted, convert_arguments
from nv_one_logger.config.document import Fields
from nv_one_logger.config.loading import LoadError, is_buildable, load_plugin
from nv_one_logger.config.masking import masked, without_secrets
from nv_one_logger.config.models import Merged, Origin, OriginKind, Problem, Setting
from nv_one_logger.config.provenance import Decision, Explanation, State, ValueOrigin
from nv_one_logger.config.report import in_order, is_raised, report, with_further
from nv_one_logger.config.resolve import Plan, Resolution
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host.catalogue import Catalogue, CatalogueError

__all__ = ["BuiltPlugin", "BuiltPlugins", "Prepared", "build", "check", "construct", "prepare"]

_logger = logging.getLogger(__name__)

#: A class of the reference's older telemetry, which takes its arguments in a shape of its own.
V1_EXPORTER = "nv_one_logger.training_telemetry.v1_adapter.v1_compatible_wandb_exporter.V1CompatibleExporter"


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


@dataclass(frozen=True)
class Prepared:
    """A plugin whose class is imported and whose arguments are converted; nothing of it was called yet.

    Attributes:
        plan: What was decided.
        found: Its class, module or object.
        arguments: Arguments and defaults of the constructor.
        background: Options of ``BackgroundExporter``; ``None`` when it is not wanted.
        problems: What is wrong; it must not be constructed when there is any.
    """

    plan: Plan
    found: object = None
    arguments: Converted = field(default_factory=Converted)
    background: Optional[Converted] = None
    problems: Tuple[Problem, ...] = ()


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
    broken = {id(item.plan): str(item.problems[0].error) for item in prepared if item.problems}
    broken.update({key: str(problem.error) for key, problem in failures.items()})
    decisions = tuple(_final_decision(plan, prepared, broken) for plan in resolution.plans)
    explanation = replace(resolution.explanation, decisions=decisions, problems=tuple(map(str, errors)))
    return BuiltPlugins(plugins, explanation)


def check(resolution: Resolution) -> Tuple[Problem, ...]:
    """Return every mistake that ``build`` would find before constructing anything; for checking a file."""
    prepared = [prepare(plan, resolution.catalogue, object()) for plan in _enabled(resolution.plans)]
    found = [problem for item in prepared for problem in item.problems]
    problems = [*resolution.problems, *found, *_same_class_twice(prepared)]
    return tuple(in_order(with_further(problems, _trial_problems(resolution))))


def prepare(plan: Plan, catalogue: Catalogue, one_logger_config: object) -> Prepared:
    """Import the class of a plan and convert its arguments; whatever is wrong with it becomes a problem."""
    merged = plan.merged
    class_name = merged.field("class_name")[0]
    if plan.decision.class_name == V1_EXPORTER:
        return _prepare_v1(plan, one_logger_config)
    try:
        found = load_plugin(str(class_name.value), catalogue)
    except (LoadError, CatalogueError) as error:
        return _refused(plan, class_name, error.problem, error.remedy)
    entry = merged.top
    settings = merged.config()
    if not is_buildable(found) and settings:
        return _refused(plan, class_name, "is no class, so it takes no arguments", "Remove config")
    arguments = Converted()
    if isinstance(found, type):
        arguments = convert_arguments(found, settings, path=f"{entry.path}.config", origin=entry.origin)
    background, mistakes = _background(merged, found)
    errors = [*arguments.errors, *mistakes]
    return Prepared(plan, found, arguments, background, tuple(_problem(merged, error) for error in errors))


def construct(prepared: Prepared) -> object:
    """Call the constructor and wrap the exporter if it is to run in the background.

    Raises:
        ConfigError: The constructor raised.
    """
    plugin: object = prepared.found
    if isinstance(prepared.found, type) or prepared.plan.decision.class_name == V1_EXPORTER:
        try:
            plugin = prepared.found(**prepared.arguments.arguments)  # type: ignore[operator]  # checked by prepare
        except (Exception, SystemExit) as error:
            raise _failed_constructor(prepared, error) from error
    if prepared.background is None or not isinstance(plugin, Exporter):
        return plugin
    try:
        return BackgroundExporter(plugin, **prepared.background.arguments)  # type: ignore[arg-type]  # converted
    except Exception as error:
        setting = prepared.plan.merged.field("background")[0]
        raise setting.origin.error(
            f"is refused ({error})", key=f"{prepared.plan.merged.top.path}.background", remedy="Correct these options"
        ) from error


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
            failures[id(item.plan)] = _problem(item.plan.merged, error)
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
        except Exception:
            _logger.warning("Closing %s after a failed configuration raised.", item.name, exc_info=True)


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name}#{number}"
    return unique


def _background(merged: Merged, found: object) -> Tuple[Optional[Converted], List[ConfigError]]:
    mentions = merged.field("background")
    if not mentions or mentions[0].value is False:
        return None, []
    setting, path = mentions[0], f"{merged.top.path}.background"
    is_exporter = isinstance(found, Exporter) or (isinstance(found, type) and issubclass(found, Exporter))
    if not is_exporter:
        error = setting.origin.error(
            "only works for an Exporter, not for a plugin with @hookimpl functions",
            key=path,
            remedy="Remove background",
        )
        return None, [error]
    converted = convert_arguments(
        BackgroundExporter, _options(setting), path=path, origin=setting.origin, given=("exporter",)
    )
    return converted, converted.errors


def _options(setting: Setting) -> Mapping[str, Setting]:
    if not isinstance(setting.node, Fields):
        return {}
    options: Dict[str, Setting] = {}
    for key, node in setting.node.pairs:
        options[str(key.value)] = Setting(node, setting.origin.at(node.place), setting.origin.at(key.place))
    return options


def _prepare_v1(plan: Plan, one_logger_config: object) -> Prepared:
    class_name = plan.merged.field("class_name")[0]
    if one_logger_config is None:
        return _refused(plan, class_name, "needs an OneLoggerConfig, and none was given", "Give it as second argument")
    module_name, _, attribute = V1_EXPORTER.rpartition(".")
    try:
        found = getattr(__import__(module_name, fromlist=[attribute]), attribute)
    except (Exception, SystemExit) as error:
        return _refused(plan, class_name, f"cannot be imported ({error})", "Install it or set enabled: false")
    config = {key: setting.value for key, setting in plan.merged.config().items()}
    return Prepared(plan, found, Converted({"one_logger_config": one_logger_config, "config": config}))


def _refused(plan: Plan, class_name: Setting, problem: str, remedy: str) -> Prepared:
    mentioned = next(layer for layer in plan.merged.layers if layer.class_name is not None)
    field_name = "name" if mentioned.name is mentioned.class_name else "class_name"
    error = class_name.origin.error(
        problem,
        key=f"{mentioned.path}.{field_name}",
        value=class_name.value,
        remedy=remedy,
    )
    return Prepared(plan, problems=(_problem(plan.merged, error),))


def _failed_constructor(prepared: Prepared, error: BaseException) -> ConfigError:
    merged = prepared.plan.merged
    top = merged.top
    class_name = merged.field("class_name")[0]
    subject = next((setting for setting in (top.class_name, top.name) if setting is not None), class_name)
    config = {key: setting.value for key, setting in merged.config().items()}
    reason = without_secrets(f"{type(error).__name__}: {error}", config)
    return subject.origin.error(
        f"cannot be constructed ({reason})",
        key=f"{merged.top.path}.class_name" if merged.top.class_name is not None else f"{merged.top.path}.name",
        value=class_name.value,
        remedy="Correct its arguments under config or set enabled: false",
    )


def _problem(merged: Merged, error: ConfigError) -> Problem:
    is_asked = any(layer.origin.asked for layer in merged.layers)
    is_found_file = any(layer.origin.kind is OriginKind.FILE for layer in merged.layers) and not is_asked
    return Problem(error, asked=is_asked, is_error=is_found_file)


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
