"""Fixed calldata and fixed calls: a byte, a wei or a call off, on the official bytecode."""

from __future__ import annotations

import pytest

from caveats import (
    AllowedCalldata,
    ExactCalldata,
    ExactCalldataBatch,
    ExactExecution,
    ExactExecutionBatch,
    Execution,
)
from caveats.attempt import Attempt
from tests.enforcers.harness import SHOP, check_steps, transfer

TYPE, EXEC = "CaveatEnforcer:invalid-call-type", "CaveatEnforcer:invalid-execution-type"


def call(data, *, value=0):
    return lambda stage: Attempt((Execution(target=stage.target, value=value, call_data=data),))


def pay(amount, *, to=SHOP):
    return lambda stage: Attempt((transfer(stage.token, amount, to),))


def send(value):
    return lambda stage: Attempt((Execution(target=SHOP, value=value),))


def batch(*builds, is_try=False):
    return lambda stage: Attempt(tuple(build(stage).execution for build in builds), is_batch=True, is_try=is_try)


def tried(build):
    return lambda stage: Attempt(build(stage).executions, is_try=True)


def made(*builds):
    return lambda stage: tuple(build(stage).execution for build in builds)


CASES = [
    (
        "a pinned recipient: the shop passes, another does not",
        lambda s: AllowedCalldata(data_start=16, value=SHOP),
        [
            (pay(5), None),
            (pay(5, to=bytes(20)), "AllowedCalldataEnforcer:invalid-calldata"),
            (call(bytes(35)), "AllowedCalldataEnforcer:invalid-calldata-length"),
            (call(bytes(16) + SHOP), None),
            (call(bytes(16) + SHOP + b"\x01", value=3), None),
            (call(bytes(15) + SHOP + b"\x01"), "AllowedCalldataEnforcer:invalid-calldata"),
            (batch(pay(5)), TYPE),
            (tried(pay(5)), EXEC),
        ],
    ),
    (
        "exact calldata: a byte more or less does not pass",
        lambda s: ExactCalldata(call_data=b"\x12\x34"),
        [
            (call(b"\x12\x34"), None),
            (call(b"\x12\x34", value=7), None),
            (call(b"\x12\x34\x00"), "ExactCalldataEnforcer:invalid-calldata"),
            (call(b"\x12"), "ExactCalldataEnforcer:invalid-calldata"),
            (call(b""), "ExactCalldataEnforcer:invalid-calldata"),
            (batch(call(b"\x12\x34")), TYPE),
            (tried(call(b"\x12\x34")), EXEC),
        ],
    ),
    (
        "empty calldata: any payment passes, no call does",
        lambda s: ExactCalldata(call_data=b""),
        [(send(10**18), None), (call(b"\x00"), "ExactCalldataEnforcer:invalid-calldata")],
    ),
    (
        "an exact call: target, value and calldata each a step off",
        lambda s: ExactExecution(execution=Execution(target=SHOP, value=10)),
        [
            (send(10), None),
            (send(10), None),
            (send(9), "ExactExecutionEnforcer:invalid-execution"),
            (send(11), "ExactExecutionEnforcer:invalid-execution"),
            (call(b"", value=10), "ExactExecutionEnforcer:invalid-execution"),
            (
                lambda s: Attempt((Execution(target=SHOP, value=10, call_data=b"\x00"),)),
                "ExactExecutionEnforcer:invalid-execution",
            ),
            (batch(send(10)), TYPE),
            (tried(send(10)), EXEC),
        ],
    ),
    (
        "the calldata of a batch: targets and values are free, number and order are not",
        lambda s: ExactCalldataBatch(executions=made(call(b"\x01"), send(5))(s)),
        [
            (batch(call(b"\x01"), send(5)), None),
            (batch(call(b"\x01", value=9), send(0)), None),
            (batch(send(5), call(b"\x01")), "ExactCalldataBatchEnforcer:invalid-calldata"),
            (batch(call(b"\x01"), call(b"\x02")), "ExactCalldataBatchEnforcer:invalid-calldata"),
            (batch(call(b"\x01")), "ExactCalldataBatchEnforcer:invalid-batch-size"),
            (batch(call(b"\x01"), send(5), send(5)), "ExactCalldataBatchEnforcer:invalid-batch-size"),
            (batch(), "ExactCalldataBatchEnforcer:invalid-batch-size"),
            (call(b"\x01"), TYPE),
            (batch(call(b"\x01"), send(5), is_try=True), EXEC),
        ],
    ),
    (
        "an exact batch: nothing of it is free",
        lambda s: ExactExecutionBatch(executions=made(call(b"\x01"), send(5))(s)),
        [
            (batch(call(b"\x01"), send(5)), None),
            (batch(call(b"\x01", value=9), send(5)), "ExactExecutionBatchEnforcer:invalid-execution"),
            (batch(call(b"\x01"), send(6)), "ExactExecutionBatchEnforcer:invalid-execution"),
            (batch(send(5), call(b"\x01")), "ExactExecutionBatchEnforcer:invalid-execution"),
            (batch(call(b"\x01")), "ExactExecutionBatchEnforcer:invalid-batch-size"),
            (batch(), "ExactExecutionBatchEnforcer:invalid-batch-size"),
            (call(b"\x01"), TYPE),
            (batch(call(b"\x01"), send(5), is_try=True), EXEC),
        ],
    ),
    (
        "a batch of nothing, as only old terms hold it, admits a batch of nothing",
        lambda s: ExactExecutionBatch.unchecked(executions=()),
        [(batch(), None), (batch(send(0)), "ExactExecutionBatchEnforcer:invalid-batch-size")],
    ),
    (
        "a window that wraps around panics",
        lambda s: AllowedCalldata.unchecked(data_start=2**256 - 1, value=b"\x01"),
        [(call(bytes(40)), "Panic(0x11)")],
    ),
]


@pytest.mark.parametrize(("make", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_bytecode_draws_the_line_where_the_terms_say(make, steps):
    check_steps(make, steps)
