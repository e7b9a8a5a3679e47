"""``one-logger demo``: trains a small real model, instrumented as a user would, and reads the records back.

``data`` and ``model`` know nothing of telemetry, ``training`` is the instrumented job, ``plugin`` and ``display`` are
what the terminal sees.
"""
