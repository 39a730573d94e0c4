"""Caveats that bound how much may be spent."""
