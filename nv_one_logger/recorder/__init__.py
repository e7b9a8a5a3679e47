"""The recorder: open spans, the current span, and the way of every occurrence to the host."""
