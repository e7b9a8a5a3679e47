"""Spans, events and errors of a training job, sent to OpenTelemetry backends."""

from nv_one_logger.otel.exporter.otel_exporter import OTelExporter

__all__ = ["OTelExporter"]
