"""Caveats that bound how often and by whom a delegation may be used, and that end it."""
