"""``one-logger plugins``: which plugins are installed, which are on, and why.

``listing`` finds them without importing any, ``inspection`` imports them, ``parameters`` reads constructors,
``snippet`` writes YAML to paste, ``view`` shows it all.
"""
