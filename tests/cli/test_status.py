"""`delegations status`, and the hint a denied simulation gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from caveats.constraints import NATIVE
from delegations.delegation import sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.grant import Grant
from delegations.manager import MetaMaskManager
from tests.cli.command import run
from tests.enforcers.harness import AGENT, ALICE, SHOP

DAY = 86_400


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, Path, LocalChain]:
    """A grant of one ether a day and the chain it stands on, both in files."""
    chain = LocalChain(1)
    chain.add_delegator(ALICE)
    bounds = Grant(delegator=ALICE, delegate=AGENT).spend_per_period(NATIVE, "1", "day", start_at=chain.timestamp)
    grant = sign_delegation(
        bounds.expires_in(now=chain.timestamp, days=30).build(), dev_account(0), chain_id=1, manager=chain.manager
    )
    (tmp_path / "grant.json").write_text(grant.to_json())
    (tmp_path / "chain.json").write_text(chain.to_json())
    assert chain.send(ALICE, chain.manager, MetaMaskManager().encode_disable(grant)).success
    (tmp_path / "disabled.json").write_text(chain.to_json())
    return tmp_path / "grant.json", tmp_path / "chain.json", chain


def test_an_active_grant_tells_what_is_left(kept: tuple[Path, Path, LocalChain]) -> None:
    ran = run("status", kept[0], "--state", kept[1])
    assert ran.code == 0
    assert ran.out.startswith("ACTIVE")
    assert "1 ETH" in ran.out


def test_a_disabled_grant_exits_1_and_says_so(kept: tuple[Path, Path, LocalChain]) -> None:
    ran = run("status", kept[0], "--state", kept[1].with_name("disabled.json"), "--json")
    assert ran.code == 1
    assert ran.json()["state"] == "disabled"


def test_another_time_is_another_status(kept: tuple[Path, Path, LocalChain]) -> None:
    late = kept[2].timestamp + 31 * DAY
    ran = run("status", kept[0], "--state", kept[1], "--at", str(late), "--json")
    assert (ran.code, ran.json()["state"], ran.json()["at"]) == (1, "expired", late)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "give --state FILE or --rpc-url URL"),
        (["--rpc-url", "http://127.0.0.1:1"], 3, "could not ask http://127.0.0.1:1"),
        (["--rpc-url", "nonsense"], 2, "begins with http:// or https://"),
    ],
)
def test_without_a_source_that_answers_it_does_not_guess(
    kept: tuple[Path, Path, LocalChain], options: list[str], code: int, message: str
) -> None:
    ran = run("status", kept[0], *options)
    assert ran.code == code
    assert message in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_denied_simulation_says_what_would_have_worked(kept: tuple[Path, Path, LocalChain]) -> None:
    ran = run("simulate", kept[0], "--state", kept[1], "--target", SHOP, "--value", "2eth", "--json")
    assert ran.code == 1
    assert "1 ETH left" in ran.json()["hint"]
    assert "asked 2 ETH" in ran.json()["hint"]
