"""How anything sleeps."""
