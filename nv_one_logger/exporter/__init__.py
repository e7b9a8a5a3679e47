"""Exporters: what they must offer, and the ones that need no further dependency."""

from nv_one_logger.exporter.background_exporter import BackgroundExporter
from nv_one_logger.exporter.exporter import BaseExporter, Exporter, ExportError
from nv_one_logger.exporter.file_exporter import FileExporter
from nv_one_logger.exporter.internal.encoder import encode_record, plain_value
from nv_one_logger.exporter.logger_exporter import LoggerExporter

__all__ = [
    "BackgroundExporter",
    "BaseExporter",
    "ExportError",
    "Exporter",
    "FileExporter",
    "LoggerExporter",
    "encode_record",
    "plain_value",
]
