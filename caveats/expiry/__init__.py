"""Caveats that bound when a delegation may be used."""
