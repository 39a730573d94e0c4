"""The embedded engine with a meter: what gas does not bound in time is told to whoever bounds it, before it is done.

Gas is a chain's price, not this machine's. Some precompiles that cost a chain little are computed here in Python and
take hundreds of times as long as other code of the same price; and a call costs as little as 100 gas.

A unit of work is about a tenth of a microsecond. The weights are rounded up from what was measured; they are part of
what decides whether a replay is refused, so they are the same on every machine.

Source: py-evm 0.12.1b1, eth.precompiles; EIP-152, EIP-196, EIP-197, EIP-2537, EIP-4844.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol

from delegations.evm.fastloop import FastComputation
from delegations.evm.pyevm import PyEvmEngine

FRAME_WORK: Final = 300
"""Units of work for beginning a call, whatever it does."""
PRECOMPILE_WORK: Final[Mapping[bytes, int]] = {
    number.to_bytes(20, "big"): weight
    for number, weight in {
        0x01: 1,  # ecrecover
        0x05: 3,  # modexp
        0x06: 6,  # alt_bn128 add
        0x07: 30,  # alt_bn128 multiply
        0x08: 80,  # alt_bn128 pairing
        0x09: 120,  # blake2f, by the round
        0x0A: 30,  # point evaluation, which reads its setup anew each time
        0x0B: 6,  # BLS12-381: add in G1
        0x0C: 40,  # multiply in G1
        0x0D: 15,  # add in G2
        0x0E: 40,  # multiply in G2
        0x0F: 90,  # pairing
        0x10: 6,  # map to G1
        0x11: 40,  # map to G2
    }.items()
}
"""Units of work for one gas of a precompile, by its address. Those that are not here take no longer than other code."""


class Meter(Protocol):
    """What is told of work."""

    def spend(self, units: int) -> None:
        """Take units of work, or raise whatever its owner likes when they are too many."""


class _MeteredComputation(FastComputation):
    """A frame that says what work it is about to do."""

    meter: ClassVar[Meter]

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> FastComputation:
        cls.meter.spend(FRAME_WORK)
        return super().apply_computation(state, message, transaction_context, parent_computation)

    def consume_gas(self, amount: int, reason: str) -> None:
        super().consume_gas(amount, reason)
        # a precompile pays its whole price before it computes; what a failed one burns is no work
        weight = PRECOMPILE_WORK.get(self.msg.code_address)
        if weight is not None and self._error is None:
            self.meter.spend(amount * weight)


class MeteredEngine(PyEvmEngine):
    """The embedded engine, with the same results.

    Args:
        meter: is told the units of work of each call before it begins, and of each precompile before it computes. What
            it raises ends the execution and reaches whoever asked for it; it may not be an error of py-evm's.
    """

    name = "pyevm-metered"

    def __init__(self, meter: Meter) -> None:
        self.computation_class = type("MeteredComputation", (_MeteredComputation,), {"meter": meter})
