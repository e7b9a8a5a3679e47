"""Turns the record files of a training job into answers.

``analyze(paths)`` gives a :class:`~nv_one_logger.report.model.Report`, ``verify(paths)`` the account of the files; the
commands ``one-logger report``, ``verify`` and ``convert`` stand on the same modules.
"""

from __future__ import annotations

from nv_one_logger.report.analysis import analyze, analyze_all
from nv_one_logger.report.exceptions import InputError, SessionChoiceError
from nv_one_logger.report.model import Report

__all__ = ["InputError", "Report", "SessionChoiceError", "analyze", "analyze_all"]
