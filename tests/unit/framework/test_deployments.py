from __future__ import annotations

import pytest

from caveats.errors import EncodingError, UnsupportedError
from caveats.types import Address
from delegations.framework import (
    DELEGATION_MANAGER,
    ENTRY_POINT,
    Deployment,
    Registry,
    canonical_deployment,
    contract_name,
    deployment,
    known_chain_ids,
)

LOCAL = 31337
OTHER = Address("0x" + "11" * 20)


def test_version_1_3_0_is_known_on_forty_nine_chains() -> None:
    assert len(known_chain_ids()) == 49
    assert {1, 10, 56, 137, 5000, 8453, 42161, 59144, 11155111} <= set(known_chain_ids())


@pytest.mark.parametrize(("version", "count"), [("1.0.0", 7), ("1.1.0", 8), ("9.9.9", 0)])
def test_other_versions_have_their_own_chains(version: str, count: int) -> None:
    assert len(known_chain_ids(version)) == count


def test_every_chain_of_1_3_0_has_the_canonical_addresses() -> None:
    for chain_id in known_chain_ids():
        on_chain = deployment(chain_id)
        assert on_chain.manager == DELEGATION_MANAGER
        assert on_chain.addresses.items() <= canonical_deployment(chain_id).addresses.items()
        assert len(on_chain.addresses) == 39


def test_older_versions_have_other_managers() -> None:
    assert deployment(8453, "1.0.0").manager == Address("0xbe4138886cb096bdc1b930f2f0ca7892aa234d78")
    assert deployment(8453, "1.1.0").manager == Address("0x56D56e07e3d6Ee5a24e30203A37a0a460f42D7A3")


def test_an_exception_on_one_chain_is_kept() -> None:
    assert deployment(84532, "1.1.0").addresses["SimpleFactory"] == Address(
        "0xE8eA1DE8D6AfE400B7C8C1A81B7C29B7876b4d02"
    )


def test_an_unknown_chain_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnsupportedError, match=r"chain 31337: no deployment .*Registry\.with_deployment"):
        deployment(LOCAL)


def test_the_canonical_deployment_serves_any_chain() -> None:
    local = canonical_deployment(LOCAL)
    assert local.manager == DELEGATION_MANAGER
    assert local.addresses["EntryPoint"] == ENTRY_POINT
    assert "ERC20MultiOperationIncreaseBalanceEnforcer" in local.addresses
    assert "ERC20BalanceGteEnforcer" not in local.addresses


def test_registering_returns_a_new_registry() -> None:
    registry = Registry.official().with_deployment(canonical_deployment(LOCAL))
    assert registry.deployment(LOCAL).manager == DELEGATION_MANAGER
    with pytest.raises(UnsupportedError):
        Registry.official().deployment(LOCAL)


def test_a_registered_deployment_is_not_replaced_unasked() -> None:
    registry = Registry().with_deployment(canonical_deployment(LOCAL))
    other = Deployment("1.3.0", LOCAL, OTHER, {})
    with pytest.raises(EncodingError, match="another one is registered"):
        registry.with_deployment(other)
    assert registry.with_deployment(other, replace=True).deployments == (other,)


def test_registering_the_same_deployment_twice_changes_nothing() -> None:
    registry = Registry().with_deployment(canonical_deployment(LOCAL))
    assert registry.with_deployment(canonical_deployment(LOCAL)) == registry


def test_a_deployment_whose_manager_contradicts_its_list_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected DelegationManager to be the manager"):
        Deployment("1.3.0", LOCAL, OTHER, {"DelegationManager": DELEGATION_MANAGER})


def test_a_chain_id_of_zero_is_refused() -> None:
    with pytest.raises(EncodingError, match="chain id"):
        Deployment("1.3.0", 0, OTHER, {})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("0xdb9B1e94B5b69Df7e401DDbedE43491141047dB3", ("1.3.0", "DelegationManager")),
        ("0x56D56e07e3d6Ee5a24e30203A37a0a460f42D7A3", ("1.1.0", "DelegationManager")),
        ("0xbe4138886cb096bdc1b930f2f0ca7892aa234d78", ("1.0.0", "DelegationManager")),
        ("0x48dBe696A4D990079e039489bA2053B36E8FFEC4", ("1.3.0", "HybridDeleGatorImpl")),
        ("0x0000000071727De22E5E9d8BAf0edAc6f37da032", ("1.3.0", "EntryPoint")),
        (
            "0xaD551E9b971C1b0c02c577bFfCFAA20b81777276",
            ("1.3.0", "NativeTokenMultiOperationIncreaseBalanceEnforcer"),
        ),
        ("0x54e17146b9CCE2642881E0879e06e9D63F7d7606", ("1.3.0", "NativeBalanceGteEnforcer")),
        ("0x1111111111111111111111111111111111111111", None),
    ],
)
def test_addresses_have_names(address: str, expected: tuple[str, str] | None) -> None:
    assert contract_name(Address(address)) == expected


def test_a_name_is_looked_up_on_one_chain_when_asked() -> None:
    assert contract_name(DELEGATION_MANAGER, chain_id=8453) == ("1.3.0", "DelegationManager")
    assert contract_name(DELEGATION_MANAGER, chain_id=LOCAL) is None


def test_a_custom_deployment_has_names_too() -> None:
    registry = Registry.official().with_deployment(Deployment("mine", LOCAL, OTHER, {"IdEnforcer": ENTRY_POINT}))
    assert registry.contract_name(OTHER) == ("mine", "DelegationManager")
    assert registry.contract_name(ENTRY_POINT, chain_id=LOCAL) == ("mine", "IdEnforcer")
