"""Kept for programs that import this name; see ``nv_one_logger.training_telemetry.api.training_recorder``."""
