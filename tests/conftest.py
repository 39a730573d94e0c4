"""Settings shared by all tests."""

from hypothesis import settings

# the same examples on every machine and every run: a red test stays red until it is mended
settings.register_profile("delegations", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("delegations")
