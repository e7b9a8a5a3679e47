"""``one-logger tail``: shows the records of running jobs as they are written.

``following`` reads files that grow and rotate, ``filters`` decides what is shown, ``lines`` writes a record for a
person, ``session`` is the loop around them.
"""
