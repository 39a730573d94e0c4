"""A contract that must stand, and is deployed when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from caveats.enforcer import BOTH, EnforcerTerms, Tokens
from caveats.types import Address, Bytes32, HexBytes, keccak

_HEAD = 52


class Deployed(EnforcerTerms):
    """Before the call there is code at `expected_address`: what is missing is deployed from `init_code` by CREATE2.

    The deployer is this enforcer, so the address must be `compute_address(salt, init_code)`. Code that is there
    already is taken for the right one, whatever it is. The redeemer pays for the deployment.

        [0:20] expected_address, [20:52] salt, [52:] init_code, 1 byte or more

    Source: framework 1.3.0, DeployedEnforcer.getTermsInfo and beforeHook.
    """

    ENFORCER: ClassVar[str] = "DeployedEnforcer"
    ADDRESS: ClassVar[Address] = Address("0x24ff2AA430D53a8CD6788018E902E098083dcCd2")
    CALL_TYPES = BOTH
    LAYOUT: ClassVar[str] = "[0:20] expected_address, [20:52] salt, [52:] init_code"
    BOUNDS: ClassVar[str] = "nothing that is called: it makes sure that one contract stands before the call"
    LEAVES_FREE: ClassVar[str] = "everything; any code that stands at the address will do"
    REVERTS: ClassVar[tuple[str, ...]] = (
        "deployed-address-mismatch",
        "invalid-terms-length",
        "DeployedEmptyContract(address)",
        "Create2FailedDeployment()",
    )
    EVENTS: ClassVar[tuple[str, ...]] = (
        "DeployedContract(address contractAddress)",
        "SkippedDeployment(address contractAddress)",
    )
    JUDGED_ALONE: ClassVar[bool] = False

    expected_address: Address
    salt: Bytes32
    init_code: HexBytes

    @classmethod
    def compute_address(cls, salt: Bytes32, init_code: bytes) -> Address:
        """Return the address at which the enforcer deploys. Source: EIP-1014."""
        return Address(keccak(b"\xff" + cls.ADDRESS + salt + keccak(init_code))[12:])

    def problems(self) -> Iterator[str]:
        if not self.init_code:
            yield "init_code is empty, which the contract refuses; give the creation code"
        deployed = self.compute_address(self.salt, self.init_code)
        if self.init_code and self.expected_address != deployed:
            yield (
                f"expected_address {self.expected_address} is not where this salt and init_code are deployed;"
                f" give {deployed}"
            )

    def encode_terms(self) -> bytes:
        return self.expected_address + self.salt + self.init_code

    @classmethod
    def decode_terms(cls, terms: bytes) -> Deployed:
        if len(terms) <= _HEAD:
            raise cls.bad_length(f"more than {_HEAD} bytes", terms)
        return cls.unchecked(
            expected_address=Address(terms[:20]), salt=Bytes32(terms[20:_HEAD]), init_code=terms[_HEAD:]
        )

    def describe(self, tokens: Tokens | None = None) -> str:
        return (
            f"Before each use, a contract is deployed at {self.expected_address} unless one stands there already"
            f" ({len(self.init_code)} bytes of creation code, paid for by the redeemer)."
        )
