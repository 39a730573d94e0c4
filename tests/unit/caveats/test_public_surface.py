"""What `caveats` offers: neither more nor less than it names."""

from inspect import ismodule

import pytest

import caveats
from caveats import ENFORCERS, EnforcerTerms


def test_all_names_every_public_name_once():
    public = {name for name, value in vars(caveats).items() if not name.startswith("_") and not ismodule(value)}
    assert sorted(caveats.__all__) == sorted(public)


def test_every_enforcer_class_is_offered():
    assert {cls.__name__ for cls in ENFORCERS} <= set(caveats.__all__)
    assert all(getattr(caveats, cls.__name__) is cls for cls in ENFORCERS)


@pytest.mark.parametrize("name", caveats.__all__)
def test_every_class_and_function_says_what_it_is(name):
    value = getattr(caveats, name)
    if callable(value) and value.__module__.startswith("caveats"):
        assert (value.__doc__ or "").strip()


def test_enforcers_have_names_and_addresses_of_their_own():
    assert len({cls.ADDRESS for cls in ENFORCERS}) == len(ENFORCERS)
    assert len({cls.ENFORCER for cls in ENFORCERS}) == len(ENFORCERS)


@pytest.mark.parametrize("cls", ENFORCERS, ids=lambda cls: cls.__name__)
def test_an_enforcer_class_says_all_there_is_to_know_of_its_contract(cls):
    assert issubclass(cls, EnforcerTerms)
    assert f"{cls.__name__}Enforcer" == cls.ENFORCER
    assert cls.CALL_TYPES
    assert cls.CALL_TYPES.issubset({"single", "batch"})
    assert list(cls.HOOKS) == [hook for hook in ("before_all", "before", "after", "after_all") if hook in cls.HOOKS]
    assert cls.HOOKS
    for text in (cls.LAYOUT, cls.BOUNDS, cls.LEAVES_FREE):
        assert text
        assert text.isprintable()
        assert not text.endswith(".")
    assert len(set(cls.REVERTS)) == len(cls.REVERTS)
    assert "Source: framework 1.3.0, " in (cls.__doc__ or "")
    assert bool(cls.STATE) == bool(cls.STATE_FIELDS)
