"""Turns the record files of a training job into answers.

``analyze(paths)`` gives a :class:`~nv_one_logger.report.model.Report`, on which ``one-logger report`` stands; the
account of the files is in ``nv_one_logger.report.verification``.
"""

from __future__ import annotations

from nv_one_logger.report.analysis import analyze, analyze_all
from nv_one_logger.report.exceptions import InputError, SessionChoiceError
from nv_one_logger.report.model import Report

__all__ = ["InputError", "Report", "SessionChoiceError", "analyze", "analyze_all"]
