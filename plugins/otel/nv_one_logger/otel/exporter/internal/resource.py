"""Who sends: the OpenTelemetry resource, from the application's configuration, its environment and YAML."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.sdk.environment_variables import OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME
from opentelemetry.sdk.resources import Resource

from nv_one_logger.otel.exporter.internal.attributes import exported

__all__ = ["application_attributes", "make_resource", "rank"]

_SERVICE_NAME = "service.name"
# Inner launchers know better: torchrun started by Slurm numbers its own workers.
_RANK_VARIABLES = ("RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")


def application_attributes(config: Any, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the configuration of the application says about this process.

    A value that cannot be had, such as a session tag whose function raises, is left out.

    Args:
        config: An ``OneLoggerConfig``.
        environ: Where launchers leave the rank.
    """
    found: dict[str, Any] = {
        _SERVICE_NAME: _value(lambda: config.application_name),
        "one_logger.session_tag": _value(lambda: config.session_tag),
        "one_logger.world_size": _value(lambda: config.world_size),
        "one_logger.rank": rank(environ),
    }
    return {name: value for name, value in found.items() if value is not None}


def make_resource(
    application: Mapping[str, Any], configured: Mapping[str, Any], environ: Mapping[str, str]
) -> Resource:
    """Return the resource: what was configured, over the ``OTEL_*`` variables, over the application.

    Args:
        application: What :func:`application_attributes` returned; nothing before the application is configured.
        configured: The user's own attributes.
        environ: Whether it names a service.
    """
    own = dict(application)
    if own:
        own.update({"host.name": socket.gethostname(), "process.pid": os.getpid()})
    from_environment = Resource.create({})
    if not _names_service(environ):
        # Else it would be "unknown_service:python", which is no name anybody gave.
        known = {key: value for key, value in from_environment.attributes.items() if key != _SERVICE_NAME or not own}
        from_environment = Resource(known, from_environment.schema_url)
    resource = Resource(exported(own, is_sent=True)).merge(from_environment)
    return resource.merge(Resource(exported(configured, is_sent=True)))


def rank(environ: Mapping[str, str]) -> int | None:
    """Return the number of this process among all of the job, 0 without a launcher, ``None`` if that is no number."""
    for variable in _RANK_VARIABLES:
        if variable in environ:
            text = environ[variable].strip()
            return int(text) if text.isdecimal() else None
    return 0


def _names_service(environ: Mapping[str, str]) -> bool:
    listed = (entry.partition("=")[0].strip() for entry in environ.get(OTEL_RESOURCE_ATTRIBUTES, "").split(","))
    return bool(environ.get(OTEL_SERVICE_NAME)) or _SERVICE_NAME in listed


def _value(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception:  # a function of the application; telemetry does without
        return None
