"""The report as one self-contained HTML file.

``page`` puts it together, ``summary`` says what the first screen and the tables hold, ``figures`` what is drawn,
``embed`` how data and scripts get into the page safely.
"""

from __future__ import annotations

from nv_one_logger.report.html.page import render

__all__ = ["render"]
