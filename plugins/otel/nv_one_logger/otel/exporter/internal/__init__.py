"""Details of the OpenTelemetry exporter, without a promise to users."""
