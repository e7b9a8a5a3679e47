"""How attributes of spans and events become names of metrics."""

from __future__ import annotations

from abc import abstractmethod

from overrides import EnforceOverrides, override

from nv_one_logger.core.attributes import Attribute
from nv_one_logger.core.event import Event
from nv_one_logger.core.span import Span

__all__ = ["FlatMetricNamingStrategy", "HierarchicalMetricNamingStrategy", "MetricNamingStrategy"]


class MetricNamingStrategy(EnforceOverrides):
    """Names metrics. Methods of subclasses carry ``overrides.override``, else the class cannot be made."""

    @abstractmethod
    def from_span_attribute(self, span: Span, attribute: Attribute) -> str:
        """Return the name of the metric for an attribute of a span."""

    @abstractmethod
    def from_event_attribute(self, span: Span, event: Event, attribute: Attribute) -> str:
        """Return the name of the metric for an attribute of an event on a span."""


class HierarchicalMetricNamingStrategy(MetricNamingStrategy):
    """Names say where they come from: ``<span>.<attribute>`` and ``<span>.<event>.<attribute>``.

    Args:
        separator: What stands between the parts.
    """

    def __init__(self, separator: str = ".") -> None:
        self._separator = separator

    @override
    def from_span_attribute(self, span: Span, attribute: Attribute) -> str:
        """Return ``<span>.<attribute>``."""
        return self._separator.join((span.name_str, attribute.name))

    @override
    def from_event_attribute(self, span: Span, event: Event, attribute: Attribute) -> str:
        """Return ``<span>.<event>.<attribute>``."""
        return self._separator.join((span.name_str, event.name_str, attribute.name))


class FlatMetricNamingStrategy(MetricNamingStrategy):
    """Names are those of the attributes; equal names of different spans become one metric."""

    @override
    def from_span_attribute(self, span: Span, attribute: Attribute) -> str:
        """Return the attribute's name."""
        return attribute.name

    @override
    def from_event_attribute(self, span: Span, event: Event, attribute: Attribute) -> str:
        """Return the attribute's name."""
        return attribute.name
