"""Exporters to Weights & Biases; import them from :mod:`nv_one_logger.wandb.exporter.wandb_exporter`."""
