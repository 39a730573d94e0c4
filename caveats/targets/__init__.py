"""Caveats that bound what may be called."""
