"""One given call together with one given ERC-20 transfer, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.abi import encode_uint
from caveats.execution import Execution
from caveats.targets._specific_action import SpecificActionTerms
from caveats.types import Address, Uint256

_HEAD = 124
_RETIRED_HEAD = 92


class SpecificActionERC20TransferBatch(SpecificActionTerms):
    """One batch of two calls, once: the given call, then `transfer(recipient, amount)` of `token`.

        [0:20] token, [20:40] recipient, [40:72] uint256 amount, [72:92] first_target,
        [92:124] uint256 first_value_wei, [124:] first_call_data

    An older contract of the same name reads another layout: see SpecificActionERC20TransferBatchV1. Its address
    tells which it is.

    Source: framework 1.3.0, SpecificActionERC20TransferBatchEnforcer.getTermsInfo and beforeHook.
    """

    ADDRESS: ClassVar[Address] = Address("0x6649b61c873F6F9686A1E1ae9ee98aC380c7bA13")
    LAYOUT: ClassVar[str] = (
        "[0:20] token, [20:40] recipient, [40:72] amount, [72:92] first_target, [92:124] first_value_wei,"
        " [124:] first_call_data"
    )

    first_value_wei: Uint256 = 0

    def first_execution(self) -> Execution:
        return Execution(target=self.first_target, value=self.first_value_wei, call_data=self.first_call_data)

    def encode_terms(self) -> bytes:
        transfer = self.token + self.recipient + encode_uint(self.amount)
        return transfer + self.first_target + encode_uint(self.first_value_wei) + self.first_call_data

    @classmethod
    def decode_terms(cls, terms: bytes) -> SpecificActionERC20TransferBatch:
        if len(terms) < _HEAD:
            raise cls.bad_length(f"at least {_HEAD} bytes", terms)
        return cls.unchecked(
            token=Address(terms[:20]),
            recipient=Address(terms[20:40]),
            amount=int.from_bytes(terms[40:72], "big"),
            first_target=Address(terms[72:92]),
            first_value_wei=int.from_bytes(terms[92:_HEAD], "big"),
            first_call_data=terms[_HEAD:],
        )


class SpecificActionERC20TransferBatchV1(SpecificActionTerms):
    """As SpecificActionERC20TransferBatch, whose first call carries no value: the retired contract.

        [0:20] token, [20:40] recipient, [40:72] uint256 amount, [72:92] first_target, [92:] first_call_data

    Only for reading what was signed: a builder refuses.

    Source: framework 1.3.0 as first deployed, SpecificActionERC20TransferBatchEnforcer.getTermsInfo and beforeHook.
    """

    ADDRESS: ClassVar[Address] = Address("0x00e0251aaA263dfE3B3541B758A82D1CBA1c3B6D")
    LAYOUT: ClassVar[str] = (
        "[0:20] token, [20:40] recipient, [40:72] amount, [72:92] first_target, [92:] first_call_data"
    )
    RETIRED: ClassVar[bool] = True

    def problems(self) -> Iterator[str]:
        yield f"the contract at {self.ADDRESS} is retired; use SpecificActionERC20TransferBatch"
        yield from super().problems()

    def first_execution(self) -> Execution:
        return Execution(target=self.first_target, call_data=self.first_call_data)

    def encode_terms(self) -> bytes:
        return self.token + self.recipient + encode_uint(self.amount) + self.first_target + self.first_call_data

    @classmethod
    def decode_terms(cls, terms: bytes) -> SpecificActionERC20TransferBatchV1:
        if len(terms) < _RETIRED_HEAD:
            raise cls.bad_length(f"at least {_RETIRED_HEAD} bytes", terms)
        return cls.unchecked(
            token=Address(terms[:20]),
            recipient=Address(terms[20:40]),
            amount=int.from_bytes(terms[40:72], "big"),
            first_target=Address(terms[72:_RETIRED_HEAD]),
            first_call_data=terms[_RETIRED_HEAD:],
        )
