"""What the public configuration classes share. No promise to users."""
