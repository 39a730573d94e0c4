"""The cookbook's recipes on the official bytecode: what each allows passes, what it must stop is stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from caveats import Address, Execution
from caveats.abi import encode_address, encode_uint
from caveats.types import keccak
from delegations.delegation import sign_delegation
from delegations.evm import LocalChain, dev_account
from delegations.redemption import Redemption, redeem
from delegations.simulation import execute

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cookbook.md").read_text()
ALICE, AGENT, SHOP, OTHER = (Address(dev_account(i).address) for i in range(4))
USDC = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
CONTRACT = Address("0x00000000000000000000000000000000c0ffee00")
NOW = 1_800_000_000
DAY = 86_400
USD = 10**6

RECIPES = {
    title: re.findall(r"```python\n(.*?)```", body, re.DOTALL)
    for title, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
}
PREAMBLE = re.findall(r"```python\n(.*?)```", PAGE.split("\n## ")[0], re.DOTALL)


def bake(title: str) -> dict:
    """Run the preamble and a recipe's code, as a reader would, and return its names."""
    names: dict = {}
    for block in [*PREAMBLE, *RECIPES[title]]:
        exec(compile(block, f"cookbook: {title}", "exec"), names)  # noqa: S102 - the page is ours
    return names


def call(signature: str, *words: bytes, target: Address = CONTRACT, value: int = 0) -> Execution:
    return Execution(target=target, value=value, call_data=keccak(signature.encode())[:4] + b"".join(words))


def pay(amount: int, to: Address = SHOP, value: int = 0) -> Execution:
    return call("transfer(address,uint256)", encode_address(to), encode_uint(amount), target=USDC, value=value)


def live_chain() -> LocalChain:
    """Return a chain where Alice is a delegator, holds a token at USDC's address, and has approved the shop for it."""
    chain = LocalChain(1, timestamp=NOW + 1)
    chain.add_delegator(ALICE)
    token = chain.deploy_token("USD Coin", "USDC", 6)
    chain.world.set_code(USDC, chain.world.code(token))
    chain.mint(USDC, ALICE, 10_000 * USD)
    approval = call("approve(address,uint256)", encode_address(SHOP), encode_uint(5), target=USDC)
    assert chain.send_execution(ALICE, approval).success
    return chain


SWAP = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint160))"
WETH = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")


def swap(recipient: Address = ALICE, amount: int = 25_000_000, minimum: int = 1) -> Execution:
    words = [encode_address(USDC), encode_address(WETH), encode_uint(500), encode_address(recipient)]
    return call(SWAP, *words, encode_uint(amount), encode_uint(minimum), encode_uint(0))


Step = tuple[Execution | list[Execution], int, str | None]
"""An attempt, seconds after now, and the enforcer that must deny it (None: it passes)."""

LIVES: dict[str, list[Step]] = {
    "Daily USDC budget": [
        (pay(10 * USD), 1, None),
        (pay(1), DAY - 1, "ERC20PeriodTransferEnforcer"),
        (pay(10 * USD), DAY, None),
        (pay(1, value=1), DAY * 2, "ValueLteEnforcer"),
        (
            call("approve(address,uint256)", encode_address(SHOP), encode_uint(1), target=USDC),
            DAY * 2,
            "ERC20PeriodTransferEnforcer",
        ),
        (pay(1), DAY * 30, "TimestampEnforcer"),
    ],
    "Subscription": [
        (pay(9_990_000), 1, None),
        (pay(1, OTHER), 30 * DAY, "AllowedCalldataEnforcer"),
        (pay(9_990_001), 30 * DAY, "ERC20PeriodTransferEnforcer"),
        (pay(9_990_000), 30 * DAY, None),
    ],
    "DCA into one pool": [
        (swap(), 1, None),
        (swap(minimum=99), 2, None),
        (swap(recipient=AGENT), 3, "AllowedCalldataEnforcer"),
        (swap(amount=25_000_001), 3, "AllowedCalldataEnforcer"),
        (call("multicall(bytes[])"), 3, "AllowedMethodsEnforcer"),
    ],
    "NFT mint once": [
        (call("mint(address)", encode_address(ALICE), value=5 * 10**16 + 1), 1, "ValueLteEnforcer"),
        (call("mint(address)", encode_address(AGENT)), 1, "AllowedCalldataEnforcer"),
        (call("mint(address)", encode_address(ALICE), value=5 * 10**16), 1, None),
        (call("mint(address)", encode_address(ALICE)), 2, "IdEnforcer"),
    ],
    "Gas top-up": [
        (Execution(target=AGENT, value=10**16), 1, None),
        (Execution(target=AGENT, value=1), 2, "NativeTokenPeriodTransferEnforcer"),
        (Execution(target=SHOP, value=1), DAY, "AllowedTargetsEnforcer"),
        (Execution(target=AGENT, value=1, call_data=b"\1"), DAY, "ExactCalldataEnforcer"),
    ],
    "Approvals revocation only": [
        (
            call("approve(address,uint256)", encode_address(SHOP), encode_uint(1), target=USDC),
            1,
            "ApprovalRevocationEnforcer",
        ),
        (pay(1), 1, "ApprovalRevocationEnforcer"),
        (call("approve(address,uint256)", encode_address(SHOP), encode_uint(0), target=USDC), 1, None),
        (
            call("approve(address,uint256)", encode_address(SHOP), encode_uint(0), target=USDC),
            2,
            "ApprovalRevocationEnforcer",
        ),
    ],
    "x402 payments": [
        (pay(1_000_001), 1, "ERC20TransferAmountEnforcer"),
        (pay(1, OTHER), 1, "AllowedCalldataEnforcer"),
        (pay(1_000_000), 1, None),
        (pay(0), 2, "LimitedCallsEnforcer"),
    ],
    "Payroll batch": [
        ([pay(3_000_000_000), pay(2_500_000_001, AGENT)], 1, "ExactExecutionBatchEnforcer"),
        ([pay(3_000_000_000), pay(2_500_000_000, AGENT)], -1, "TimestampEnforcer"),
        ([pay(3_000_000_000), pay(2_500_000_000, AGENT)], 1, None),
        ([pay(3_000_000_000), pay(2_500_000_000, AGENT)], 2, "IdEnforcer"),
    ],
    "Function call with value cap": [
        (call("deposit()", value=5 * 10**17), 1, None),
        (call("deposit()", value=5 * 10**17 + 1), 1, "ValueLteEnforcer"),
        (call("withdraw()"), 1, "AllowedMethodsEnforcer"),
        (call("deposit()", target=SHOP), 1, "AllowedTargetsEnforcer"),
    ],
    "Guarded admin call": [
        (call("setFee(uint256)", encode_uint(30)), 1, None),
        (call("setFee(uint256)", encode_uint(31)), 1, "AllowedCalldataEnforcer"),
    ],
}


def test_there_are_ten_recipes_and_each_is_lived_through():
    assert len(RECIPES) == 10
    assert RECIPES.keys() == LIVES.keys()


@pytest.mark.parametrize("title", LIVES)
def test_the_recipe_allows_and_stops_what_it_says(title):
    names = bake(title)
    chain = live_chain()
    grant = sign_delegation(names["grant"], dev_account(0), chain_id=1, manager=chain.manager)
    redeemer = SHOP if title == "Subscription" else AGENT
    for attempt, after, denied_by in LIVES[title]:
        chain.timestamp = NOW + after
        redemption: Redemption = redeem(grant, attempt)
        verdict = execute(chain, redemption, redeemer=redeemer).verdict
        said = verdict.denial.enforcer_name if verdict.denial else None
        assert said == denied_by, (attempt, verdict)


def test_a_redeemer_outside_the_list_is_stopped():
    names = bake("x402 payments")
    chain = live_chain()
    grant = sign_delegation(names["grant"], dev_account(0), chain_id=1, manager=chain.manager)
    denial = execute(chain, redeem(grant, pay(1)), redeemer=OTHER).verdict.denial
    assert denial.enforcer_name == "RedeemerEnforcer"


def test_raising_the_nonce_revokes():
    names = bake("Guarded admin call")
    chain = live_chain()
    grant = sign_delegation(names["grant"], dev_account(0), chain_id=1, manager=chain.manager)
    nonce_enforcer = grant.caveats[-2].enforcer
    raise_nonce = call("incrementNonce(address)", encode_address(chain.manager), target=nonce_enforcer)
    assert chain.send_execution(ALICE, raise_nonce).success
    denial = execute(chain, redeem(grant, call("setFee(uint256)", encode_uint(30)))).verdict.denial
    assert denial.reason == "NonceEnforcer:invalid-nonce"
