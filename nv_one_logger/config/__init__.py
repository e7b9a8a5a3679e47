"""The config manager: which plugins are on, with which arguments, and why.

``load_sources`` reads, ``resolve`` decides, ``build`` constructs; ``Explanation`` tells where everything came from.
"""

from __future__ import annotations

from nv_one_logger.config.build import BuiltPlugin, BuiltPlugins, build, check
from nv_one_logger.config.gate import Plan
from nv_one_logger.config.models import Origin, OriginKind, Problem
from nv_one_logger.config.provenance import Beaten, Decision, Explanation, State, ValueOrigin
from nv_one_logger.config.report import report
from nv_one_logger.config.resolve import Resolution, Verdict, resolve
from nv_one_logger.config.sources import LoadedSources, load_sources
from nv_one_logger.config.switches import Switches

__all__ = [
    "Beaten",
    "BuiltPlugin",
    "BuiltPlugins",
    "Decision",
    "Explanation",
    "LoadedSources",
    "Origin",
    "OriginKind",
    "Plan",
    "Problem",
    "Resolution",
    "State",
    "Switches",
    "ValueOrigin",
    "Verdict",
    "build",
    "check",
    "load_sources",
    "report",
    "resolve",
]
