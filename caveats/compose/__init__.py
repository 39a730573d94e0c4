"""Caveats made of other caveats, or that serve other contracts."""
