"""What is executed and how: modes, blobs, calldata, values, calls that fail and calls that halt."""

from __future__ import annotations

from collections.abc import Iterator

from caveats import Execution, LimitedCalls
from caveats.abi import encode_bytes, encode_uint
from caveats.execution import encode_execution_batch, encode_packed_execution
from caveats.types import Address, keccak
from delegations.delegation import encode_context
from delegations.execution import ExecutionMode
from delegations.redemption import encode_raw_redeem_delegations, encode_redeem_delegations, redeem
from tests.differential.scene import BOB, NOTHING, Ask, Scene, Table
from tests.enforcers.harness import AGENT, ALICE, SHOP

CALLS = Table()
Asks = Iterator[Ask]
SINGLE, BATCH = bytes(32), b"\x01" + bytes(31)
EMPTY_CONTEXT = encode_context(())


def raw_redeem(context: bytes, mode: bytes, blob: bytes) -> bytes:
    return encode_raw_redeem_delegations([context], [mode], [blob])


# modes and blobs


@CALLS
def junk_in_the_unused_mode_bytes(s: Scene) -> Asks:
    context = encode_context((s.root(LimitedCalls(limit=9)),))
    single = encode_packed_execution(s.pay(1))
    yield s.raw(raw_redeem(context, bytes(2) + b"\xab" * 30, single))
    yield s.raw(raw_redeem(context, b"\x01\x00" + b"\xff" * 30, encode_execution_batch((s.pay(1), NOTHING))))


@CALLS
def call_types_nobody_executes(s: Scene) -> Asks:
    context = encode_context((s.root(),))
    for call_type in (0x02, 0xFE, 0xFF):
        mode = bytes([call_type]) + bytes(31)
        unknown = "revert UnsupportedCallType(bytes1)"
        yield s.raw(raw_redeem(context, mode, encode_packed_execution(NOTHING)), unknown)


@CALLS
def an_execution_type_nobody_executes(s: Scene) -> Asks:
    context = encode_context((s.root(),))
    yield s.raw(raw_redeem(context, b"\x00\x02" + bytes(30), bytes(52)), "revert UnsupportedExecType(bytes1)")


@CALLS
def blobs_cut_short(s: Scene) -> Asks:
    context = encode_context((s.root(),))
    single, batch = encode_packed_execution(s.pay(1)), encode_execution_batch((s.pay(1),))
    for cut in (0, 19, 51):
        yield s.raw(raw_redeem(context, SINGLE, single[:cut]), "revert")
    yield s.raw(raw_redeem(context, SINGLE, single[:52]), "revert")
    for cut in (0, 31, 64, len(batch) - 32):
        yield s.raw(raw_redeem(context, BATCH, batch[:cut]), "revert DecodingError()")
    # the padding of the last call is not missed
    yield s.raw(raw_redeem(context, BATCH, batch[:-1]))


@CALLS
def a_single_blob_in_batch_mode(s: Scene) -> Asks:
    context = encode_context((s.root(),))
    yield s.raw(raw_redeem(context, BATCH, encode_packed_execution(s.pay(1))), "revert DecodingError()")


@CALLS
def a_batch_blob_in_single_mode_goes_to_a_garbage_target(s: Scene) -> Asks:
    context = encode_context((s.root(),))
    yield s.raw(raw_redeem(context, SINGLE, encode_execution_batch((s.pay(1),))), "revert")


@CALLS
def contexts_with_trailing_bytes(s: Scene) -> Asks:
    context = encode_context((s.root(LimitedCalls(limit=9)),))
    blob = encode_packed_execution(NOTHING)
    yield s.raw(raw_redeem(context + b"\xff", SINGLE, blob))
    yield s.raw(raw_redeem(context + bytes(320), SINGLE, blob))
    yield s.raw(raw_redeem(context[:-32], SINGLE, blob), "revert")
    yield s.raw(raw_redeem(b"", SINGLE, blob), "revert")


@CALLS
def empty_arrays_and_arrays_of_unequal_length(s: Scene) -> Asks:
    yield s.raw(encode_raw_redeem_delegations([], [], []))
    one = encode_uint(1) + encode_uint(32) + encode_bytes(EMPTY_CONTEXT)
    data = keccak(b"redeemDelegations(bytes[],bytes32[],bytes[])")[:4]
    data += encode_uint(96) + encode_uint(96 + len(one)) + encode_uint(96 + len(one) + 32) + one + bytes(64)
    yield s.raw(data, "revert BatchDataLengthMismatch()")


@CALLS
def calldata_that_is_no_call(s: Scene) -> Asks:
    whole = encode_redeem_delegations([redeem(s.root(LimitedCalls(limit=1)), NOTHING)])
    yield s.raw(b"", "revert")
    yield s.raw(b"\x12\x34\x56\x78", "revert")
    yield s.raw(whole[:3], "revert")
    yield s.raw(whole[:200], "revert")
    yield s.raw(whole, "revert InvalidDelegate()", sender=SHOP)
    s.chain.fund(AGENT, 5)
    yield s.raw(whole, "revert", value=5)


# executions


@CALLS
def value_and_tokens_move(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=9))
    yield s.ask(grant, Execution(target=SHOP, value=5))
    yield s.ask(grant, s.pay(7))
    yield s.ask(grant, [s.pay(1), Execution(target=BOB, value=2), s.call("ping(uint256)", 3, value=4)])
    yield s.ask(grant, Execution(target=Address(b"\x42" * 20), value=1))
    yield s.ask(grant, Execution(target=ALICE, value=1))


@CALLS
def a_batch_of_nothing(s: Scene) -> Asks:
    yield s.ask(s.root(LimitedCalls(limit=1)), [])


@CALLS
def more_value_than_there_is(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=1))
    yield s.ask(grant, Execution(target=SHOP, value=10**24), "execution ")
    yield s.ask(grant, [NOTHING, Execution(target=SHOP, value=10**24)], "execution ")


@CALLS
def calls_that_fail(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=1))
    yield s.ask(grant, s.call("fail()"), "execution ")
    yield s.ask(grant, s.call("failWithReason()"), "execution TestTarget:refused")
    yield s.ask(grant, s.call("unknown()"), "execution ")
    yield s.ask(grant, s.pay(10**31), "execution ")
    yield s.ask(grant, [NOTHING, s.call("fail()"), NOTHING], "execution ")


def _halting(name: str, code: str, expect: str = "gas out of gas") -> None:
    def script(s: Scene) -> Asks:
        there = Address(b"\x0d" * 20)
        s.chain.world.set_code(there, bytes.fromhex(code))
        yield s.ask(s.root(LimitedCalls(limit=1)), Execution(target=there), expect, gas=400_000)
        # a halt burns what the target was given; a sixty-fourth is left to tell of it
        yield s.ask(s.root(), [NOTHING, Execution(target=there)], mode=ExecutionMode.BATCH_TRY, gas=2_000_000)

    CALLS.add(f"a target that {name}", script)


_halting("meets an invalid opcode", "fe", "execution ")
_halting("meets an unknown opcode", "0c", "execution ")
_halting("jumps into the void", "600056", "execution ")
_halting("takes from an empty stack", "50", "execution ")
_halting("never ends", "5b5f56")
_halting("asks for too much memory", "5f5f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff52")
_halting("copies beyond the return data", "60015f5f3e", "execution ")
_halting("reverts with a lot of data", "620186a05ffd", "execution ")
_halting("calls itself for ever", "5f5f5f5f5f305af15f5260205ff3", "allowed")


@CALLS
def try_mode_swallows_and_reports(s: Scene) -> Asks:
    grant = s.root()
    for mode, calls in (
        (ExecutionMode.SINGLE_TRY, [s.call("fail()")]),
        (ExecutionMode.SINGLE_TRY, [s.pay(1)]),
        (ExecutionMode.BATCH_TRY, [s.pay(1), s.call("fail()"), s.pay(2)]),
        (ExecutionMode.BATCH_TRY, [Execution(target=SHOP, value=10**24), NOTHING]),
    ):
        yield s.ask(grant, calls, mode=mode)


@CALLS
def every_enforcer_refuses_try_mode(s: Scene) -> Asks:
    refused = "hook CaveatEnforcer:invalid-execution-type"
    yield s.ask(s.root(LimitedCalls(limit=1)), [NOTHING], refused, mode=ExecutionMode.BATCH_TRY)
    yield s.ask(s.root(LimitedCalls(limit=1)), NOTHING, refused, mode=ExecutionMode.SINGLE_TRY)
