"""``one-logger selftest``: sends a span through every plugin in force, and measures what telemetry costs here.

``budget`` is what it may cost, ``telemetry`` configures as an application does, ``delivery`` sends the span,
``measuring`` takes the times, ``view`` shows both.
"""
