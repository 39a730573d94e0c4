"""Caveats that bound what has changed when all is done."""
