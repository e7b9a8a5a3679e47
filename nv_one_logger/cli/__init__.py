"""The ``one-logger`` command; its commands are plugins of the entry-point group ``nv_one_logger.commands``.

Importing this package needs neither click nor rich; the modules that do are imported by :func:`main.main` once it is
known that the extra ``cli`` is installed.
"""
