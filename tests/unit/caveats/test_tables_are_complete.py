"""No enforcer stands without its table."""

import pytest

from tests.vectors.tables import BY_NAME, load_enforcer_tables


@pytest.mark.parametrize("name", BY_NAME)
def test_every_registered_enforcer_has_its_table(name):
    assert name in load_enforcer_tables(), f"write tests/vectors/caveats/{name}.json"
