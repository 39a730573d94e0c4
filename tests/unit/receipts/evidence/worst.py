"""What takes longest for its price: the input of each precompile that is hard on this machine, and code in a loop."""

from __future__ import annotations

import time

from py_ecc import optimized_bls12_381 as bls
from py_ecc import optimized_bn128 as bn

from caveats.types import Address
from delegations.evm import dev_account
from delegations.evm.engine import BlockEnv, Transaction
from delegations.evm.metered import MeteredEngine
from delegations.evm.world import World
from delegations.receipts.evidence.budget import Meter

SENDER, TARGET, LONG, SHORT = (Address(bytes([place]) * 20) for place in (1, 0x55, 0x22, 0x33))
BLOCK = BlockEnv(chain_id=1, number=1, timestamp=1, gas_limit=2**30)


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def blake2f(rounds: int) -> bytes:
    return rounds.to_bytes(4, "big") + bytes(208) + b"\x01"


def pairings(count: int) -> bytes:
    (x, y), (a, b) = bn.normalize(bn.G1), bn.normalize(bn.G2)
    return words(int(x), int(y), *(int(c.coeffs[i]) for c in (a, b) for i in (1, 0))) * count


def _modexp(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    return words(len(base), len(exponent), len(modulus)) + base + exponent + modulus


def _recovery() -> bytes:
    signed = dev_account(0).unsafe_sign_hash(b"\x03" * 32)
    return b"\x03" * 32 + words(signed.v, signed.r, signed.s)


def _field(value: int) -> bytes:
    return value.to_bytes(64, "big")


_SCALAR = words(2**255 - 1)
_BN = words(1, 2)
_G1 = b"".join(_field(int(c)) for c in bls.normalize(bls.G1))
_G2 = b"".join(_field(int(c)) for point in bls.normalize(bls.G2) for c in point.coeffs)

PRECOMPILES: dict[str, tuple[int, bytes]] = {
    "ecrecover": (1, _recovery()),
    "sha256": (2, bytes(32_000)),
    "ripemd160": (3, bytes(32_000)),
    "identity": (4, bytes(32_000)),
    "modexp, short": (5, _modexp(b"\xff" * 8, b"\xff" * 32, b"\xff" * 8)),
    "modexp, long": (5, _modexp(b"\xff" * 12_000, b"\x03", b"\xff" * 12_000)),
    "alt_bn128 add": (6, _BN + _BN),
    "alt_bn128 multiply": (7, _BN + words(2**256 - 1)),
    "alt_bn128 pairing": (8, pairings(1)),
    "blake2f": (9, blake2f(5_000)),
    "BLS12-381 add in G1": (0xB, _G1 + _G1),
    "BLS12-381 multiply in G1": (0xC, _G1 + _SCALAR),
    "BLS12-381 add in G2": (0xD, _G2 + _G2),
    "BLS12-381 multiply in G2": (0xE, _G2 + _SCALAR),
    "BLS12-381 pairing": (0xF, (_G1 + _G2) * 2),
    "BLS12-381 map to G1": (0x10, _field(5)),
    "BLS12-381 map to G2": (0x11, _field(5) + _field(7)),
}
"""Address and input by name. That of the point evaluation needs a proof that holds; it is left out."""

_CALL = "5f5f5f5f5f73{}61fffff150"
CODES: dict[str, bytes] = {
    name: bytes.fromhex("5b" + body * 20 + "5f56")
    for name, body in {
        "jump": "5b",
        "gas": "5a50",
        "extcodehash of long code": f"73{LONG.hex()}3f50",
        "call of nobody": _CALL.format("44" * 20),
        "call of short code": _CALL.format(SHORT.hex()),
        "call of long code": _CALL.format(LONG.hex()),
        "callcode": _CALL.format(SHORT.hex())[:-4] + "f250",
        "returndatacopy": "5f5f5f3e",
        "sstore": "60015f55",
        "keccak": "60205f2050",
        "selfbalance": "4750",
    }.items()
}
"""Loops, by what they repeat."""


def run_precompile(place: int, data: bytes) -> tuple[int, float]:
    """Return units of work, one for each gas where nothing is counted, and seconds of a call."""
    meter, world = Meter(10**12), World()
    call = Transaction(SENDER, Address(place.to_bytes(20, "big")), data, gas=2**24)
    start = time.perf_counter()
    outcome = MeteredEngine(meter).execute(world, BLOCK, call)
    seconds = time.perf_counter() - start
    assert outcome.success
    return max(meter.work - meter.left, outcome.frame.gas_used), seconds


def run_code(code: bytes, gas: int) -> None:
    """Run a loop until its gas is used."""
    world = World()
    for address, held in ((TARGET, code), (LONG, bytes(24_576)), (SHORT, b"\x00")):
        world.set_code(address, held)
    outcome = MeteredEngine(Meter(10**12)).execute(world, BLOCK, Transaction(SENDER, TARGET, gas=gas))
    assert outcome.error == "out of gas"
