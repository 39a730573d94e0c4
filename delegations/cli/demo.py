"""The demo: an agent gets a bounded authority, uses it, is refused, and leaves receipts. All of it really runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from caveats import Execution, TokenInfo, parse_amount
from caveats.abi import encode_address, encode_uint
from caveats.enforcer import TRANSFER_SELECTOR
from caveats.errors import EngineError
from caveats.types import Address
from delegations.cli.render import caveat_line, console, line, show
from delegations.cli.store import make_folder, write_text
from delegations.delegation import Delegation, sign_delegation
from delegations.evm import GENESIS_AT, LocalChain, contract_code, dev_account
from delegations.grant import Grant
from delegations.manager import MetaMaskManager
from delegations.receipts import Receipt, make_receipts
from delegations.redemption import redeem
from delegations.simulation import Verdict, execute, simulate

DAY = 86_400
_DECIMALS = 18


@dataclass
class _Story:
    """The stage, the cast, and what has been told so far."""

    chain: LocalChain
    token: Address
    out: Console
    receipts: list[Receipt] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    chains: dict[Address, str] = field(default_factory=dict)

    @property
    def tokens(self) -> dict[Address, TokenInfo]:
        return {self.token: TokenInfo("TEST", _DECIMALS)}

    def attempt(self, what: str, context: Sequence[Delegation], execution: Execution, *, expect: bool) -> None:
        """Ask first, then act; the answer and the deed must agree, and be what the story says."""
        redemption = redeem(context, execution)
        asked = simulate(self.chain, redemption)
        executed = execute(self.chain, redemption)
        if asked != executed.verdict or asked.allowed is not expect:
            raise EngineError(f"demo: {what}: the simulation said {asked}, the chain {executed.verdict}")
        receipt = make_receipts(executed, prev=self.chains.get(executed.redeemer))[0]
        self.chains[executed.redeemer] = receipt.hash
        self.receipts.append(receipt)
        decided = _decided_by(asked)
        self.steps.append({"step": what, "allowed": asked.allowed, "decidedBy": decided, "receipt": receipt.hash})
        mark = Text("  allowed  " if asked.allowed else "  refused  ", style="green" if asked.allowed else "red")
        _say(self.out, mark + line(f"{what}: {decided}"))


def _say(out: Console, text: Text) -> None:
    show(out, text, fold=False)


def _decided_by(verdict: Verdict) -> str:
    if verdict.denial is None:
        return "every caveat agreed"
    denial = verdict.denial
    link = f", {'own' if denial.link == 0 else 'parent'} caveat {denial.caveat}" if denial.caveat is not None else ""
    return f"{denial.reason}{link}"


def _amount(text: str) -> int:
    return parse_amount(text, _DECIMALS)


def _pay(token: Address, to: Address, amount: str) -> Execution:
    return Execution(target=token, call_data=TRANSFER_SELECTOR + encode_address(to) + encode_uint(_amount(amount)))


def tell(folder: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Run the story, write grant, chain state and receipts to `folder`, and return what happened as JSON values."""
    make_folder(folder)
    out = Console(quiet=True) if quiet else console()
    keys = [dev_account(i) for i in range(4)]
    alice, agent, helper, shop = (Address(key.address) for key in keys)
    chain = LocalChain(31337, timestamp=GENESIS_AT)
    chain.add_delegator(alice)
    chain.add_delegator(agent)
    token = chain.deploy_token()
    chain.mint(token, alice, _amount("1000"))
    other = chain.deploy(contract_code("TestTarget"))
    story = _Story(chain, token, out)

    def sign(delegation: Delegation, key: int) -> Delegation:
        return sign_delegation(delegation, keys[key], chain_id=chain.chain_id, manager=chain.manager)

    bounds = (
        Grant(delegator=alice, delegate=agent)
        .call_only([token])
        .spend_total(token, "100", decimals=_DECIMALS)
        .expires_in(now=chain.timestamp, days=7)
        .at_most_calls(5)
    )
    grant = sign(bounds.build(), 0)
    _say(out, line("Alice grants her agent a bounded piece of her account's authority:", "bold"))
    for index, caveat in enumerate(grant.caveats):
        _say(out, Text("  ") + caveat_line(index, caveat, story.tokens))
    _say(out, line("The agent uses it; each step is simulated, then executed on the official contracts:", "bold"))
    story.attempt("agent pays 40 TEST", [grant], _pay(token, shop, "40"), expect=True)
    story.attempt("agent tries to pay 61 more", [grant], _pay(token, shop, "61"), expect=False)
    story.attempt("agent calls another contract", [grant], Execution(target=other), expect=False)

    narrower = Grant(delegator=agent, delegate=helper, parent=grant).spend_total(token, "10", decimals=_DECIMALS)
    slice_ = sign(narrower.build(), 1)
    story.attempt("sub-agent pays 6 TEST of its slice of 10", [slice_, grant], _pay(token, shop, "6"), expect=True)
    story.attempt("sub-agent tries to pay 5 more", [slice_, grant], _pay(token, shop, "5"), expect=False)

    before = chain.snapshot()
    chain.advance(7 * DAY)
    story.attempt("agent tries again seven days later", [grant], _pay(token, shop, "1"), expect=False)
    chain.revert(before)

    for count in ("third", "fourth", "fifth"):
        story.attempt(f"agent makes the {count} call", [grant], _pay(token, shop, "1"), expect=True)
    story.attempt("agent tries a sixth call", [grant], _pay(token, shop, "1"), expect=False)

    if not chain.send(alice, chain.manager, MetaMaskManager().encode_disable(grant)).success:
        raise EngineError("demo: Alice could not disable her delegation")
    _say(out, line("Alice disables the delegation:", "bold"))
    story.attempt("agent tries once more", [grant], _pay(token, shop, "1"), expect=False)

    return _leave(story, folder, grant, shop)


def _leave(story: _Story, folder: Path, grant: Delegation, shop: Address) -> dict[str, Any]:
    """Write everything down, and say how to read it."""
    paths = []
    for number, receipt in enumerate(story.receipts, 1):
        path = folder / f"{number:02d}-{receipt.kind}.json"
        write_text(path, receipt.to_json())
        paths.append(str(path))
    write_text(folder / "grant.json", grant.to_json())
    write_text(folder / "chain.json", story.chain.to_json())
    held = story.tokens[story.token].show(story.chain.balance(shop, story.token))
    out = story.out
    _say(out, line(f"The shop received {held}. {len(paths)} receipts are in {folder}/. Look closer:", "bold"))
    program, grant_file = _program(), folder / "grant.json"
    _say(out, line(f"  {program} inspect {paths[0]}"))
    _say(out, line(f"  {program} inspect {grant_file} --chain-id {story.chain.chain_id}"))
    _say(out, line(f"  {program} simulate {grant_file} --state {folder / 'chain.json'} --target {story.token}"))
    return {
        "steps": story.steps,
        "receipts": paths,
        "grant": str(folder / "grant.json"),
        "shopReceived": held,
    }


def _program() -> str:
    """Return how the reader can call this program again: by its path when it lies below this folder."""
    beside = Path(sys.argv[0]).absolute()
    if beside.name == "delegations" and beside.is_file() and beside.is_relative_to(Path.cwd()):
        return str(beside.relative_to(Path.cwd()))
    return "delegations"
