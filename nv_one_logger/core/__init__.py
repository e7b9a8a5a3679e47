"""The data model: attributes, time, events, spans and the library's exceptions. No I/O."""
