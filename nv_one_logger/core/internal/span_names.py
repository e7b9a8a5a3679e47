"""Names that have a meaning of their own on spans; import them from ``nv_one_logger.core.span``."""

from __future__ import annotations

from nv_one_logger.core.internal.strenum import StrEnum

__all__ = ["NVTXColor", "StandardSpanAttributeName", "StandardSpanName"]


class StandardSpanName(StrEnum):
    """Names of spans that every application has."""

    APPLICATION = "application"


class StandardSpanAttributeName(StrEnum):
    """Names of attributes that have a meaning of their own on spans."""

    DURATION_MSEC = "duration_msec"
    """int, milliseconds; set when the span stops."""
    NVTX_COLOR = "nvtx_color"


class NVTXColor(StrEnum):
    """Colours that NVIDIA's profiling tools know."""

    UNSET = "unset"
    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    PURPLE = "purple"
    RAPIDS = "rapids"
    CYAN = "cyan"
    RED = "red"
    WHITE = "white"
    DARK_GREEN = "darkgreen"
    ORANGE = "orange"
