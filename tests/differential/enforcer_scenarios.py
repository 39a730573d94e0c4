"""Every bundled enforcer: what it lets pass, each way it refuses, and terms and modes it cannot read.

Terms are written as bytes here, so that the table does not stand or fall with the classes that encode them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from caveats import Caveat, Execution
from caveats.abi import encode_address, encode_bytes, encode_dynamic_array, encode_uint
from caveats.execution import encode_execution_batch, encode_packed_execution
from caveats.types import Address, keccak
from delegations.delegation import encode_context
from delegations.execution import ExecutionMode
from tests.differential.enforcer_parts import (
    ADDRESSES,
    ENFORCER_SCENARIOS,
    MAX,
    PING,
    Calls,
    Terms,
    Try,
    both,
    caveat,
    fixed,
    pack,
    pay,
    ping,
    scenario,
    send,
    to_target,
    to_token,
)
from tests.differential.scene import BOB, NOTHING, ORACLE, Ask, Scene
from tests.enforcers.harness import AGENT, ALICE, SHOP, START_AT, START_BLOCK

# what an enforcer cannot read, for all of them alike
for _name in ADDRESSES:
    _short = _name.removesuffix("Enforcer")
    for _length in (0, 31, 160):
        scenario(_short, f"terms of {_length} bytes", fixed(b"\1" * _length), Try(pay(1), "!"), Try(both(pay(1)), "!"))

    def _modes(s: Scene, short: str = _short) -> Iterator[Ask]:
        grant = s.root(caveat(short, b"\1" * 32))
        for mode in ExecutionMode:
            yield s.ask(grant, [s.pay(1)], "", mode=mode)

    ENFORCER_SCENARIOS.add(f"{_short}: the four modes", _modes)

# targets and calldata
scenario("AllowedTargets", "listed", lambda s: pack(SHOP, s.token), Try(send(1)), Try(pay(1)))
scenario("AllowedTargets", "not listed", fixed(ALICE), Try(send(1), "target-address-not-allowed"))
scenario("AllowedTargets", "a hundred", lambda s: b"\3" * 1980 + SHOP, Try(send(1)))
scenario("AllowedMethods", "listed", fixed(PING, bytes(4)), Try(ping()), Try(to_target(bytes(4)), "!execution "))
scenario("AllowedMethods", "not listed", fixed(bytes(4)), Try(ping(), "method-not-allowed"))
scenario("AllowedMethods", "no call", fixed(PING), Try(send(1), "invalid-execution-data-length"))
scenario("AllowedCalldata", "a selector", fixed(0, PING), Try(ping()), Try(pay(1), "invalid-calldata"))
scenario("AllowedCalldata", "a word", fixed(4, 5), Try(ping(5)), Try(ping(6), "invalid-calldata"))
scenario("AllowedCalldata", "beyond the end", fixed(40, PING), Try(ping(), "invalid-calldata-length"))
scenario("AllowedCalldata", "an overflowing start", fixed(MAX, PING), Try(ping(), "!hook Panic(0x11)"))
scenario("ExactCalldata", "equal or not", fixed(PING, 5), Try(ping(5, value=3)), Try(ping(6), "invalid-calldata"))
scenario("ExactCalldata", "no calldata", fixed(), Try(send(4)), Try(ping(), "invalid-calldata"))
scenario(
    "ExactExecution",
    "each field",
    lambda s: encode_packed_execution(s.call("ping(uint256)", 5, value=2)),
    Try(ping(5, value=2)),
    Try(ping(5, value=3), "invalid-execution"),
    Try(ping(6, value=2), "invalid-execution"),
    Try(send(2), "invalid-execution"),
)
scenario(
    "ExactExecution", "terms of a target alone", fixed(SHOP), Try(send(1), "!hook "), Try(ping(), "invalid-execution")
)
for _batch in ("ExactCalldataBatch", "ExactExecutionBatch"):
    _wrong = "invalid-calldata" if "Calldata" in _batch else "invalid-execution"
    scenario(
        _batch,
        "size and content",
        lambda s: encode_execution_batch((s.pay(1), s.call("ping(uint256)", 5))),
        Try(both(pay(1), ping())),
        Try(both(pay(1)), "invalid-batch-size"),
        Try(both(pay(2), ping()), _wrong),
        Try(both(ping(), pay(1)), _wrong),
    )
    scenario(_batch, "nothing at all", fixed(encode_execution_batch(())), Try(both()))
    scenario(_batch, "terms that are no batch", fixed(), Try(both(), "!hook DecodingError()"))
scenario("ExactCalldataBatch", "other targets", lambda s: encode_execution_batch((NOTHING,)), Try(both(send(9, BOB))))
scenario(
    "OwnershipTransfer",
    "one contract",
    lambda s: bytes(s.target),
    Try(to_target(bytes.fromhex("f2fde38b") + encode_address(SHOP)), "!execution "),
    Try(to_target(bytes.fromhex("f2fde38b")), "invalid-execution-length"),
    Try(to_target(bytes(4) + encode_address(SHOP)), "invalid-method"),
    Try(to_token("transferOwnership(address)", 1), "invalid-contract"),
)
_APPROVE = "approve(address,uint256)"
_SHOP_WORD, _BOB_WORD = (int.from_bytes(who, "big") for who in (SHOP, BOB))


@ENFORCER_SCENARIOS
def ApprovalRevocation__an_allowance_is_taken_back(s: Scene) -> Iterator[Ask]:  # noqa: N802  # named after its enforcer
    grant = s.root(caveat("ApprovalRevocation", b"\x01"))
    says = "hook ApprovalRevocationEnforcer:"
    approve, revoke, other = (
        to_token(_APPROVE, who, n)(s) for who, n in ((_SHOP_WORD, 5), (_SHOP_WORD, 0), (_BOB_WORD, 0))
    )
    assert isinstance(approve, Execution)
    yield s.raw(approve.call_data, sender=ALICE, to=s.token)
    yield s.ask(grant, approve, says + "non-zero-amount")
    yield s.ask(grant, other, says + "no-approval-to-revoke")
    yield s.ask(grant, revoke)
    yield s.ask(grant, revoke, says + "no-approval-to-revoke")
    yield s.ask(
        grant, to_token("setApprovalForAll(address,bool)", _SHOP_WORD, 0)(s), says + "setApprovalForAll-not-allowed"
    )
    yield s.ask(grant, s.call("ping(uint256)", 1), says + "invalid-execution-length")


for _mask, _says in ((b"\0", "no-methods-allowed"), (b"\x40", "invalid-terms"), (b"\x3f", "invalid-execution-length")):
    scenario("ApprovalRevocation", f"mask {_mask.hex()}", fixed(_mask), Try(ping(), _says))

# expiry
scenario(
    "Timestamp",
    "both sides",
    fixed((START_AT + 10).to_bytes(16, "big"), (START_AT + 12).to_bytes(16, "big")),
    Try(send(0), "early-delegation", at=START_AT + 10),
    Try(send(0), at=START_AT + 11),
    Try(send(0), "expired-delegation", at=START_AT + 12),
)
scenario(
    "BlockNumber",
    "both sides",
    fixed((START_BLOCK + 10).to_bytes(16, "big"), (START_BLOCK + 12).to_bytes(16, "big")),
    Try(send(0), "early-delegation", block=START_BLOCK + 10),
    Try(send(0), block=START_BLOCK + 11),
    Try(both(send(0)), "expired-delegation", block=START_BLOCK + 12),
)
scenario("Timestamp", "no bounds", fixed(0), Try(send(0), at=2**63), Try(send(0), at=1))
scenario("BlockNumber", "no bounds", fixed(0), Try(send(0), block=2**63), Try(send(0), block=0))

# revocation
scenario("LimitedCalls", "twice", fixed(2), Try(send(0)), Try(both(send(0), pay(1))), Try(send(0), "limit-exceeded"))
scenario("LimitedCalls", "two copies", fixed(2), Try(send(0)), Try(send(0), "limit-exceeded"), copies=2)
scenario("LimitedCalls", "never", fixed(0), Try(send(0), "limit-exceeded"))
scenario("Id", "once", fixed(7), Try(send(0)), Try(send(0), "id-already-used"))
scenario("Id", "twice in one", fixed(300), Try(send(0), "id-already-used"), copies=2)
scenario("Nonce", "the current one", fixed(0), Try(send(0)))
scenario("Nonce", "another one", fixed(1), Try(send(0), "invalid-nonce"))


@ENFORCER_SCENARIOS
def Nonce__raised_by_the_delegator(s: Scene) -> Iterator[Ask]:  # noqa: N802  # named after its enforcer
    grant = s.root(caveat("Nonce", encode_uint(0)))
    yield s.ask(grant)
    raise_it = keccak(b"incrementNonce(address)")[:4] + encode_address(s.chain.manager)
    yield s.raw(raise_it, sender=ALICE, to=ADDRESSES["NonceEnforcer"])
    yield s.ask(grant, NOTHING, "hook NonceEnforcer:invalid-nonce")


scenario("Redeemer", "listed or not", fixed(SHOP, AGENT), Try(send(0)))
scenario("Redeemer", "somebody else", fixed(SHOP), Try(send(0), "unauthorized-redeemer"))

# spending
scenario("ValueLte", "the limit", fixed(5), Try(send(5)), Try(send(6), "value-too-high"))
scenario(
    "NativeTokenTransferAmount", "a total", fixed(9), Try(send(5)), Try(send(5), "allowance-exceeded"), Try(send(4))
)
scenario(
    "ERC20TransferAmount",
    "a total",
    lambda s: pack(s.token, 9),
    Try(pay(5)),
    Try(pay(5), "allowance-exceeded"),
    Try(pay(4, value=0)),
    Try(to_token(_APPROVE, 1, 1), "invalid-method"),
    Try(lambda s: Execution(target=ORACLE, call_data=s.pay(1).call_data), "invalid-contract"),
    Try(send(1), "invalid-execution-length"),
)
scenario(
    "ERC20TransferAmount",
    "an overflowing total",
    lambda s: pack(s.token, MAX),
    Try(pay(1)),
    Try(pay(MAX), "!hook Panic(0x11)"),
)
_P = START_AT + 10


def _period(short: str, spend: Callable[..., Calls], prefix: Terms) -> None:
    limit = "transfer-amount-exceeded"
    scenario(
        short,
        "budget by budget",
        lambda s: prefix(s) + pack(100, 60, _P),
        Try(spend(1), "transfer-not-started", at=_P - 1),
        Try(spend(60), at=_P),
        Try(spend(41), limit),
        Try(spend(40)),
        Try(spend(1), limit, at=_P + 59),
        Try(spend(100), at=_P + 60),
    )
    for about, numbers, says in (
        ("no start", (1, 1, 0), "invalid-zero-start-date"),
        ("no amount", (0, 1, 1), "invalid-zero-period-amount"),
        ("no duration", (1, 0, 1), "invalid-zero-period-duration"),
    ):
        scenario(short, about, lambda s, numbers=numbers: prefix(s) + pack(*numbers), Try(spend(1), says))


_period("ERC20PeriodTransfer", pay, lambda s: bytes(s.token))
_period("NativeTokenPeriodTransfer", send, fixed())


def _stream(short: str, spend: Callable[..., Calls], prefix: Terms) -> None:
    limit = "allowance-exceeded"
    scenario(
        short,
        "second by second",
        lambda s: prefix(s) + pack(10, 20, 2, _P),
        Try(spend(1), limit, at=_P - 1),
        Try(spend(10), at=_P),
        Try(spend(3), limit, at=_P + 1),
        Try(spend(2)),
        Try(spend(9), limit, at=_P + 10**6),
        Try(spend(8)),
    )
    scenario(short, "less than the start", lambda s: prefix(s) + pack(2, 1, 1, 1), Try(spend(1), "invalid-max-amount"))
    scenario(short, "no start", lambda s: prefix(s) + pack(1, 2, 1, 0), Try(spend(1), "invalid-zero-start-time"))
    scenario(
        short, "an overflow", lambda s: prefix(s) + pack(0, MAX, MAX, 1), Try(spend(0), "!hook Panic(0x11)", at=_P)
    )


_stream("ERC20Streaming", pay, lambda s: bytes(s.token))
_stream("NativeTokenStreaming", send, fixed())
scenario(
    "MultiTokenPeriod",
    "two records",
    lambda s: pack(s.token, 100, 60, START_AT) + pack(bytes(20), 50, 60, START_AT),
    Try(pay(100), args=encode_uint(0)),
    Try(pay(1), "transfer-amount-exceeded", args=encode_uint(0)),
    Try(send(50), args=encode_uint(1)),
    Try(send(0), "invalid-zero-value-in-native-transfer", args=encode_uint(1)),
    Try(send(1), "token-mismatch", args=encode_uint(0)),
    Try(pay(1), "invalid-token-index", args=encode_uint(2)),
    Try(pay(1), "!hook "),
)
_NFT = "transferFrom(address,address,uint256)"
scenario(
    "ERC721Transfer",
    "one id",
    lambda s: pack(s.token, 7),
    Try(to_token(_NFT, 1, 2, 7), "!execution "),
    Try(to_token(_NFT, 1, 2, 8), "unauthorized-token-id"),
    Try(to_token(_NFT, 0, 2, 7), "invalid-address"),
    Try(to_token("approve(address,uint256,uint256)", 1, 2, 7), "unauthorized-selector"),
    Try(to_token(_NFT, 1, 2), "invalid-calldata-length"),
    Try(to_token(_NFT, 2**200, 2, 7), "!hook "),
)

# outcome
for _kind, _id in (("ERC20", ()), ("ERC721", ())):
    _name = f"{_kind}BalanceChange"
    scenario(
        _name,
        "an increase",
        lambda s: pack(b"\0", s.token, SHOP, 5),
        Try(pay(5)),
        Try(both(pay(2), pay(3))),
        Try(pay(4), "insufficient-balance-increase"),
        Try(send(1), "insufficient-balance-increase"),
    )
    scenario(
        _name,
        "a decrease",
        lambda s: pack(b"\1", s.token, ALICE, 5),
        Try(pay(5)),
        Try(pay(6), "exceeded-balance-decrease"),
        Try(pay(1, ALICE)),
    )
    scenario(
        _name, "twice in one", lambda s: pack(b"\0", s.token, SHOP, 5), Try(pay(9), "enforcer-is-locked"), copies=2
    )
    scenario(_name, "no token there", fixed(b"\0", b"\x31" * 20, SHOP, 5), Try(pay(9), "!hook "))
    scenario(_name, "an overflow", lambda s: pack(b"\0", s.token, ALICE, MAX), Try(send(1), "!hook Panic(0x11)"))
scenario(
    "ERC1155BalanceChange",
    "an oracle that never moves",
    fixed(b"\1", ORACLE, ALICE, 1, 0),
    Try(pay(5)),
)
scenario(
    "ERC1155BalanceChange",
    "an increase that does not come",
    fixed(b"\0", ORACLE, ALICE, 1, 1),
    Try(pay(5), "insufficient-balance-increase"),
)
scenario(
    "NativeBalanceChange",
    "an increase",
    fixed(b"\0", SHOP, 5),
    Try(send(5)),
    Try(both(send(2), send(3))),
    Try(send(4), "insufficient-balance-increase"),
)
scenario(
    "NativeBalanceChange",
    "a decrease",
    fixed(b"\1", ALICE, 5),
    Try(send(5)),
    Try(send(6), "exceeded-balance-decrease"),
)

# composition, deployment, payment
scenario(
    "ArgsEqualityCheck",
    "equal or not",
    fixed(b"secret"),
    Try(send(0), args=b"secret"),
    Try(send(0), "different-args-and-terms", args=b"guess"),
    Try(send(0), "different-args-and-terms"),
)


def _groups(*groups: Sequence[Caveat]) -> bytes:
    def encode(one: Caveat) -> bytes:
        tails = encode_bytes(one.terms), encode_bytes(one.args)
        return encode_address(one.enforcer) + pack(96, 96 + len(tails[0])) + b"".join(tails)

    return encode_uint(32) + encode_dynamic_array(
        [encode_uint(32) + encode_dynamic_array([encode(one) for one in group]) for group in groups]
    )


def _choose(index: int, count: int = 1) -> bytes:
    return pack(32, index, 64) + encode_dynamic_array([encode_bytes(b"")] * count)


def _either(s: Scene) -> bytes:
    return _groups([caveat("AllowedTargets", s.token)], [caveat("ValueLte", encode_uint(3))], [])


scenario(
    "LogicalOrWrapper",
    "one group or another",
    _either,
    Try(pay(1), args=_choose(0)),
    Try(send(1), "!hook AllowedTargetsEnforcer:target-address-not-allowed", args=_choose(0)),
    Try(send(3), args=_choose(1)),
    Try(send(4), "!hook ValueLteEnforcer:value-too-high", args=_choose(1)),
    Try(send(4), args=_choose(2, 0)),
    Try(send(4), "invalid-group-index", args=_choose(3)),
    Try(send(4), "invalid-caveat-args-length", args=_choose(1, 2)),
    Try(send(4), "!hook "),
)
scenario(
    "LogicalOrWrapper",
    "an enforcer without code",
    lambda s: _groups([Caveat(enforcer=Address(b"\x66" * 20), terms=b"")]),
    Try(send(1), "!hook AddressEmptyCode(address)", args=_choose(0)),
)
_INIT, _SALT = bytes.fromhex("60015f5260205ff3"), bytes(31) + b"\x07"
_THERE = keccak(b"\xff" + ADDRESSES["DeployedEnforcer"] + _SALT + keccak(_INIT))[12:]
scenario("Deployed", "once, then skipped", fixed(_THERE, _SALT, _INIT), Try(send(1)), Try(send(1)))
scenario("Deployed", "elsewhere", fixed(SHOP, _SALT, _INIT), Try(send(1), "deployed-address-mismatch"))
scenario("Deployed", "code stands there", fixed(ORACLE, _SALT, _INIT), Try(send(1)))
scenario(
    "Deployed", "no code comes of it", fixed(SHOP, _SALT, b"\0"), Try(send(1), "!hook DeployedEmptyContract(address)")
)
scenario("Deployed", "creation reverts", fixed(SHOP, _SALT, b"\xfd"), Try(send(1), "!hook Create2FailedDeployment()"))


@ENFORCER_SCENARIOS
def NativeTokenPayment__by_an_allowance(s: Scene) -> Iterator[Ask]:  # noqa: N802  # named after its enforcer
    grant = s.root(caveat("NativeTokenPayment", pack(SHOP, 7)))
    bound = caveat("ArgsEqualityCheck", grant.hash + AGENT)
    short, good = (
        s.root(
            bound,
            caveat("NativeTokenTransferAmount", encode_uint(n)),
            by=BOB,
            to=ADDRESSES["NativeTokenPaymentEnforcer"],
        )
        for n in (6, 7)
    )
    unbound = s.root(by=BOB, to=ADDRESSES["NativeTokenPaymentEnforcer"])
    says = "hook NativeTokenPaymentEnforcer:"
    exceeded = "hook NativeTokenTransferAmountEnforcer:allowance-exceeded"
    yield s.ask(grant, NOTHING, "hook ")
    yield s.ask(grant.with_args({0: encode_context(())}), NOTHING, says + "invalid-allowance-delegations-length")
    yield s.ask(grant.with_args({0: encode_context((unbound,))}), NOTHING, says + "missing-argsEqualityCheckEnforcer")
    yield s.ask(grant.with_args({0: encode_context((short,))}), NOTHING, exceeded)
    yield s.ask(grant.with_args({0: encode_context((good,))}))
    yield s.ask(grant.with_args({0: encode_context((good,))}), NOTHING, exceeded)
