from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from caveats import ENFORCERS
from caveats.errors import EncodingError, UnsupportedError, VerificationError
from caveats.types import Address, keccak
from delegations.framework import (
    CREATE2_DEPLOYER,
    DELEGATION_MANAGER,
    EIP7702_STATELESS_DELEGATOR,
    GATOR_SALT,
    HYBRID_DELEGATOR,
    MULTISIG_DELEGATOR,
    SIMPLE_FACTORY,
    Framework,
)
from delegations.framework.artifact import read_framework
from tests.unit.framework.places import OFFICIAL, ROOT

NOT_BUNDLED = [
    "ERC1155BalanceGteEnforcer",
    "ERC1155MultiOperationIncreaseBalanceEnforcer",
    "ERC20BalanceGteEnforcer",
    "ERC20MultiOperationIncreaseBalanceEnforcer",
    "ERC721BalanceGteEnforcer",
    "ERC721MultiOperationIncreaseBalanceEnforcer",
    "NativeBalanceGteEnforcer",
    "NativeTokenMultiOperationIncreaseBalanceEnforcer",
    "SpecificActionERC20TransferBatchEnforcer",
]


def rewrite(directory: Path, change: Any) -> Path:
    document = json.loads(gzip.decompress((OFFICIAL / "framework.json.gz").read_bytes()))
    change(document)
    (directory / "framework.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    return directory


def test_forty_eight_contracts_are_known(framework: Framework) -> None:
    assert len(framework.contracts) == 48
    assert len(framework.bundled()) == 39


def test_the_list_of_contracts_without_code_is_exact(framework: Framework) -> None:
    assert [contract.name for contract in framework.not_bundled()] == NOT_BUNDLED


def test_every_bundled_init_code_gives_its_address(framework: Framework) -> None:
    for contract in framework.bundled():
        seed = b"\xff" + CREATE2_DEPLOYER + contract.salt + keccak(contract.init_code)
        assert keccak(seed)[12:] == contract.address, contract.name
        assert len(contract.init_code) == contract.init_code_size


def test_code_that_is_not_bundled_is_refused_by_name(framework: Framework) -> None:
    for contract in framework.not_bundled():
        with pytest.raises(UnsupportedError, match=f"{contract.name} .*code not bundled"):
            _ = contract.init_code


def test_the_shared_name_means_the_current_contract(framework: Framework) -> None:
    current = framework.contract("SpecificActionERC20TransferBatchEnforcer")
    assert current.address == Address("0x6649b61c873F6F9686A1E1ae9ee98aC380c7bA13")
    assert not current.bundled


def test_the_retired_contract_of_a_shared_name_is_found_by_address(framework: Framework) -> None:
    retired = framework.by_address(Address("0x00e0251aaA263dfE3B3541B758A82D1CBA1c3B6D"))
    assert retired is not None
    assert retired.name == "SpecificActionERC20TransferBatchEnforcer"
    assert retired.retired
    assert retired.bundled


def test_an_unknown_name_is_refused(framework: Framework) -> None:
    with pytest.raises(UnsupportedError, match="'NoSuchEnforcer'"):
        framework.contract("NoSuchEnforcer")


def test_an_unknown_address_is_none(framework: Framework) -> None:
    assert framework.by_address(bytes(20)) is None


def test_the_constants_are_the_addresses_of_the_table(framework: Framework) -> None:
    constants = {
        "DelegationManager": DELEGATION_MANAGER,
        "EIP7702StatelessDeleGator": EIP7702_STATELESS_DELEGATOR,
        "HybridDeleGator": HYBRID_DELEGATOR,
        "MultiSigDeleGator": MULTISIG_DELEGATOR,
        "SimpleFactory": SIMPLE_FACTORY,
    }
    assert {name: framework.contract(name).address for name in constants} == constants
    assert framework.contract("DelegationManager").salt == GATOR_SALT


def test_every_enforcer_class_stands_at_an_official_address(framework: Framework) -> None:
    for enforcer in ENFORCERS:
        contract = framework.by_address(enforcer.ADDRESS)
        assert contract is not None, enforcer.__name__
        assert contract.name == f"{enforcer.__name__}Enforcer"


def test_the_proxy_creation_code_is_the_published_one(framework: Framework) -> None:
    assert len(framework.proxy_creation_code) == 1008


def test_the_abi_handed_out_is_a_copy(framework: Framework) -> None:
    manager = framework.contract("DelegationManager")
    manager.abi[0].clear()
    assert manager.abi[0]


def test_corrupted_code_is_refused_by_name(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        entry = document["contracts"][str(DELEGATION_MANAGER)]
        entry["init_code"] = entry["init_code"][:-2] + "99"

    corrupted = read_framework(rewrite(tmp_path, change))
    assert corrupted.contract("IdEnforcer").init_code
    with pytest.raises(VerificationError, match="DelegationManager: official framework code is corrupted"):
        _ = corrupted.contract("DelegationManager").init_code


def test_a_missing_artifact_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"not built in \(run `make build`\)"):
        read_framework(tmp_path)


def test_a_truncated_artifact_is_refused(tmp_path: Path) -> None:
    data = (OFFICIAL / "framework.json.gz").read_bytes()
    (tmp_path / "framework.json.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(EncodingError, match="run `make build`"):
        read_framework(tmp_path)


def test_an_artifact_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="not of format 1"):
        read_framework(rewrite(tmp_path, lambda document: document.update(format=2)))


def test_an_artifact_without_a_contract_is_refused(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        del document["contracts"][str(DELEGATION_MANAGER)]

    with pytest.raises(EncodingError, match="is missing or of the wrong kind"):
        read_framework(rewrite(tmp_path, change))


def test_importing_reads_no_artifact_and_no_heavy_library() -> None:
    program = (
        "import sys, delegations.framework as f, delegations.framework.artifact as a;"
        "assert a.load_framework.cache_info().currsize == 0;"
        "print([m for m in ('eth_abi', 'web3', 'eth', 'eth_account') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
