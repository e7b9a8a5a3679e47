"""Parts of the exporters that carry no promise to users."""
