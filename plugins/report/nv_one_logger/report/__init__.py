"""Turns the record files of a training job into answers; see :class:`~nv_one_logger.report.model.Report`."""

from __future__ import annotations

from nv_one_logger.report.exceptions import InputError, SessionChoiceError
from nv_one_logger.report.model import Report

__all__ = ["InputError", "Report", "SessionChoiceError"]
