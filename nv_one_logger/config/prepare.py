"""Imports the class of one exporter and converts its arguments, and afterwards constructs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Tuple

from nv_one_logger.config.convert import Converted, convert_arguments
from nv_one_logger.config.document import Fields, Node
from nv_one_logger.config.gate import Plan
from nv_one_logger.config.loading import LoadError, is_buildable, load_plugin
from nv_one_logger.config.masking import secrets_of, without_secrets
from nv_one_logger.config.models import Merged, OriginKind, Problem, Setting
from nv_one_logger.core.exceptions import ConfigError
from nv_one_logger.core.internal.redaction import redacted_error, remember_secrets
from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import Exporter
from nv_one_logger.host.catalogue import Catalogue, CatalogueError

__all__ = ["V1_EXPORTER", "Prepared", "construct", "prepare", "problem_of"]

#: A class of the reference's older telemetry, which takes its arguments in a shape of its own.
V1_EXPORTER = "nv_one_logger.training_telemetry.v1_adapter.v1_compatible_wandb_exporter.V1CompatibleExporter"


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
    return Prepared(plan, found, arguments, background, tuple(problem_of(merged, error) for error in errors))


def construct(prepared: Prepared) -> object:
    """Call the constructor and wrap the exporter if it is to run in the background.

    Raises:
        ConfigError: The constructor raised.
    """
    plugin: object = prepared.found
    if isinstance(prepared.found, type) or prepared.plan.decision.class_name == V1_EXPORTER:
        remember_secrets(secrets_of(_config_of(prepared)))  # it may name them in errors as long as it lives
        try:
            plugin = prepared.found(**prepared.arguments.arguments)  # type: ignore[operator]  # checked by prepare
        except (Exception, SystemExit) as error:
            raise _failed_constructor(prepared, error) from redacted_error(error)[1]  # no cause that shows a secret
    if prepared.background is None or not isinstance(plugin, Exporter):
        return plugin
    try:
        return BackgroundExporter(plugin, **prepared.background.arguments)  # type: ignore[arg-type]  # converted
    except Exception as error:
        setting = prepared.plan.merged.field("background")[0]
        raise setting.origin.error(f"is refused ({error})", key=setting.key, remedy="Correct these options") from error


def problem_of(merged: Merged, error: ConfigError) -> Problem:
    """Decide how a mistake of an exporter is treated: it raises when a person named any of its entries."""
    is_asked = any(layer.origin.asked for layer in merged.layers)
    is_found_file = any(layer.origin.kind is OriginKind.FILE for layer in merged.layers) and not is_asked
    return Problem(error, asked=is_asked, is_error=is_found_file)


def _background(merged: Merged, found: object) -> Tuple[Optional[Converted], List[ConfigError]]:
    mentions = merged.field("background")
    if not mentions or mentions[0].value is False:
        return None, []
    setting = mentions[0]
    path = setting.key or f"{merged.top.path}.background"
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
        origin, key_origin = setting.origin.at(node.place), setting.origin.at(key.place)
        options[str(key.value)] = Setting(node, origin, key_origin, f"{setting.key}.{key.value}")
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
    return Prepared(plan, problems=(problem_of(plan.merged, error),))


def _failed_constructor(prepared: Prepared, error: BaseException) -> ConfigError:
    merged = prepared.plan.merged
    top = merged.top
    class_name = merged.field("class_name")[0]
    subject = next((setting for setting in (top.class_name, top.name) if setting is not None), class_name)
    reason = without_secrets(f"{type(error).__name__}: {error}", _config_of(prepared))
    return subject.origin.error(
        f"cannot be constructed ({reason})",
        key=f"{merged.top.path}.class_name" if merged.top.class_name is not None else f"{merged.top.path}.name",
        value=class_name.value,
        remedy="Correct its arguments under config or set enabled: false",
    )


def _config_of(prepared: Prepared) -> Dict[str, Node]:
    return {key: setting.node for key, setting in prepared.plan.merged.config().items()}
