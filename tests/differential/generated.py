"""Random redemptions: chains, caveats, executions and gas drawn from what the scenarios are made of."""

from __future__ import annotations

import random
from collections.abc import Callable

from caveats import Caveat, Execution
from caveats.abi import encode_uint
from caveats.types import MAX_UINT256, Address
from delegations.delegation import ANY_DELEGATE
from delegations.execution import ExecutionMode
from delegations.redemption import Redemption
from tests.differential.enforcer_parts import ADDRESSES, pack
from tests.differential.scene import BOB, HELPER, ORACLE, Ask, Scene
from tests.enforcers.harness import AGENT, ALICE, SHOP, START_AT, START_BLOCK

PEOPLE = [ALICE, AGENT, SHOP, HELPER, BOB]
_AMOUNTS = [0, 1, 2, 5, 100, 10**18, 10**21, MAX_UINT256]
_TIMES = [0, 1, START_AT - 1, START_AT, START_AT + 1, 2**40]


class Draw:
    """One random redemption after another on one scene; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # the same redemptions for the same seed is the point
        self.scene = Scene()
        self.known: list = []

    def amount(self) -> int:
        return self.random.choice(_AMOUNTS)

    def _terms(self) -> dict[str, Callable[[], bytes]]:
        r, s = self.random, self.scene
        when = lambda: r.choice(_TIMES)  # noqa: E731  # a name for what the table says often
        block = lambda: r.choice([0, START_BLOCK - 1, START_BLOCK, START_BLOCK + 1]).to_bytes(16, "big")  # noqa: E731
        token = lambda: bytes(r.choice([s.token, s.token, ORACLE, SHOP]))  # noqa: E731
        who = lambda: bytes(r.choice(PEOPLE))  # noqa: E731
        flag = lambda: bytes([r.randrange(2)])  # noqa: E731
        return {
            "AllowedTargets": lambda: b"".join(r.choice([who(), bytes(s.token), bytes(s.target)]) for _ in range(3)),
            "AllowedMethods": lambda: bytes.fromhex(r.choice(["a9059cbb", "00000000", "a9059cbb12345678"])),
            "AllowedCalldata": lambda: pack(r.choice([0, 4, 36]), r.choice([b"\xa9\x05\x9c\xbb", encode_uint(1)])),
            "ExactCalldata": lambda: r.choice([b"", s.pay(1).call_data]),
            "Timestamp": lambda: when().to_bytes(16, "big") + when().to_bytes(16, "big"),
            "BlockNumber": lambda: block() + block(),
            "LimitedCalls": lambda: encode_uint(r.randrange(4)),
            "Id": lambda: encode_uint(r.randrange(6)),
            "Nonce": lambda: encode_uint(r.randrange(2)),
            "Redeemer": lambda: who() + who() + bytes(AGENT),
            "ValueLte": lambda: encode_uint(self.amount()),
            "NativeTokenTransferAmount": lambda: encode_uint(self.amount()),
            "ERC20TransferAmount": lambda: pack(token(), self.amount()),
            "ERC20PeriodTransfer": lambda: pack(token(), self.amount(), r.choice([0, 1, 60]), when()),
            "NativeTokenPeriodTransfer": lambda: pack(self.amount(), r.choice([0, 1, 60]), when()),
            "ERC20Streaming": lambda: pack(token(), self.amount(), self.amount(), self.amount(), when()),
            "NativeTokenStreaming": lambda: pack(self.amount(), self.amount(), self.amount(), when()),
            "ERC20BalanceChange": lambda: pack(flag(), token(), who(), self.amount()),
            "NativeBalanceChange": lambda: pack(flag(), who(), self.amount()),
            "ERC721BalanceChange": lambda: pack(flag(), token(), who(), self.amount()),
            "ArgsEqualityCheck": lambda: r.choice([b"", b"args"]),
        }

    def caveat(self) -> Caveat:
        r = self.random
        if r.random() < 0.06:
            return Caveat(enforcer=r.choice(list(ADDRESSES.values())), terms=r.randbytes(r.choice([0, 20, 32, 52, 64])))
        short, terms = r.choice(list(self._terms().items()))
        return Caveat(enforcer=ADDRESSES[f"{short}Enforcer"], terms=terms(), args=r.choice([b"", b"", b"args"]))

    def execution(self) -> Execution:
        r, s = self.random, self.scene
        kind = r.randrange(6)
        if kind < 3:
            return s.pay(r.choice([0, 1, 1, 5, 100, 10**31]), r.choice(PEOPLE), value=r.choice([0, 0, 0, 1]))
        if kind == 3:
            return Execution(target=r.choice([*PEOPLE, Address(b"\x51" * 20)]), value=r.choice([0, 1, 5, 10**24]))
        if kind == 4:
            return s.call(r.choice(["ping(uint256)", "fail()", "failWithReason()"]), 1, value=r.choice([0, 2]))
        return Execution(
            target=r.choice([s.chain.manager, s.token, ORACLE, ALICE]), call_data=r.randbytes(r.randrange(40))
        )

    def context(self) -> list:
        r, s = self.random, self.scene
        if self.known and r.random() < 0.3:
            return r.choice(self.known)
        to = r.choice([*[AGENT] * 8, HELPER, BOB, ANY_DELEGATE])
        links = [
            s.root(
                *[self.caveat() for _ in range(r.choice([0, 1, 1, 2, 3]))],
                by=r.choice([*[ALICE] * 6, BOB, BOB, HELPER]),
                to=to,
            )
        ]
        for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
            by = r.choice(PEOPLE) if links[0].is_open else None
            to = r.choice([*[AGENT] * 8, HELPER, BOB])
            links.insert(0, s.child(links[0], to, *[self.caveat() for _ in range(r.randrange(3))], by=by))
        if r.random() < 0.1:
            at = r.randrange(len(links))
            links[at] = r.choice([s.sign(links[at], BOB), links[at].with_signature(r.randbytes(r.choice([0, 64, 65])))])
        if r.random() < 0.04:
            r.shuffle(links)
        if r.random() < 0.03:
            links = links[:-1]
        self.known.append(links)
        return links

    def redemption(self) -> Redemption:
        r = self.random
        mode = r.choice([*[ExecutionMode.SINGLE_DEFAULT] * 6, *[ExecutionMode.BATCH_DEFAULT] * 3, *ExecutionMode])
        calls = tuple(self.execution() for _ in range(r.randrange(4) if mode.is_batch else 1))
        return Redemption(context=self.context(), mode=mode, executions=calls)

    def ask(self) -> Ask:
        r = self.random
        redemptions = [self.redemption() for _ in range(r.choice([1, 1, 1, 1, 2, 3]))]
        leaf = redemptions[0].leaf
        redeemer = leaf.delegate if leaf and not leaf.is_open and r.random() < 0.9 else r.choice(PEOPLE)
        gas = r.choice([10_000_000] * 6 + [100_000 + r.randrange(400_000)])
        return self.scene.ask_all(redemptions, "", redeemer=redeemer, gas=gas)
