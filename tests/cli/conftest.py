"""One granted delegation, the chain it is for, and their files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caveats import Address, AllowedTargets, Execution, LimitedCalls, NativeTokenTransferAmount
from delegations.delegation import Delegation, create_delegation, encode_context, sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.receipts import make_receipts
from delegations.redemption import encode_redeem_delegations, redeem
from delegations.simulation import execute

ALICE, AGENT, SHOP, STRANGER = (Address(dev_account(i).address) for i in range(4))
CHAIN_ID = 31337
GRANT = sign_delegation(
    create_delegation(
        delegator=ALICE,
        delegate=AGENT,
        caveats=[
            AllowedTargets(targets=(SHOP,)),
            NativeTokenTransferAmount(max_amount_wei=10**18),
            LimitedCalls(limit=2),
        ],
        salt=7,
    ),
    dev_account(0),
    chain_id=CHAIN_ID,
    manager=DELEGATION_MANAGER,
)
PAY = Execution(target=SHOP, value=10**17)
CONTEXT = "0x" + encode_context([GRANT]).hex()
CALLDATA = "0x" + encode_redeem_delegations([redeem(GRANT, PAY)]).hex()


def altered(**fields: Any) -> str:
    """The grant's JSON with other fields."""
    return json.dumps({**GRANT.to_wire(), **fields})


@dataclass(frozen=True)
class Desk:
    """A folder with everything a user could have."""

    folder: Path
    grant: Path
    state: Path
    receipt: Path

    def write(self, name: str, text: str | bytes) -> Path:
        """Return the path of a new file."""
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


@pytest.fixture(scope="session")
def papers() -> dict[str, str]:
    """The texts of the desk's files: made once, written for each test."""
    chain = LocalChain(CHAIN_ID)
    chain.add_delegator(ALICE)
    state = chain.to_json()
    denied = make_receipts(execute(chain, redeem(GRANT, Execution(target=STRANGER))))[0]
    return {"grant": GRANT.to_json(), "state": state, "receipt": denied.to_json()}


@pytest.fixture
def desk(tmp_path: Path, papers: dict[str, str]) -> Desk:
    paths = {name: tmp_path / f"{name}.json" for name in papers}
    for name, path in paths.items():
        path.write_text(papers[name])
    return Desk(tmp_path, **paths)


@pytest.fixture(scope="session")
def grant() -> Delegation:
    return GRANT
