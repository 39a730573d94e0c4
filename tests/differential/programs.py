"""Random programs that mostly make sense.

A program keeps count of its stack, jumps to real destinations and reads memory around word boundaries; a few of its
statements break each of these rules on purpose. Programs call each other, themselves, precompiles and delegated
accounts, create more contracts and destroy themselves.
"""

from __future__ import annotations

import random

from caveats.types import Address
from delegations.evm.engine import BlockEnv
from tests.differential.assembler import Assembler

SENDER = Address(bytes.fromhex("5e") * 20)
CONTRACTS = [Address(bytes([0xC0 + i]) * 20) for i in range(4)]
DELEGATED = [Address(bytes([0xD0 + i]) * 20) for i in range(4)]
NOBODY = Address(bytes.fromhex("0e") * 20)
FUNDED = Address(bytes.fromhex("0f") * 20)
BLOCK = BlockEnv(
    chain_id=8453,
    number=1_000,
    timestamp=1_800_000_000,
    base_fee_wei=7,
    coinbase=Address(bytes.fromhex("cb") * 20),
    prevrandao=bytes(range(32)),
)

_WORDS = [0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 2**64, 2**160 - 1, 2**255 - 1, 2**255, 2**256 - 1, 2**256 - 2]
_ONE_TO_ONE = [0x15, 0x19, 0x31, 0x35, 0x3B, 0x3F, 0x40, 0x49, 0x51, 0x54, 0x5C]
_TWO_TO_ONE = [*range(0x01, 0x08), 0x0A, 0x0B, *range(0x10, 0x15), *range(0x16, 0x19), *range(0x1A, 0x1E)]
_THREE_TO_ONE = [0x08, 0x09]
_ZERO_TO_ONE = [0x30, *range(0x32, 0x35), 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x49), 0x4A, 0x58, 0x59, 0x5A]
_COPIES = [0x37, 0x39, 0x3E, 0x5E]
_DEEPEST = 3


class Writer:
    """Writes one program."""

    def __init__(self, rnd: random.Random, depth: int) -> None:
        self.rnd, self.depth = rnd, depth
        self.asm, self.height = Assembler(), 0
        self.attachments: list[tuple[int, bytes]] = []

    def program(self) -> bytes:
        statements = self.rnd.choice([3, 8, 15, 30])
        for _ in range(statements):
            self.statement(nesting=0)
        self.ending()
        for label, data in self.attachments:
            self.asm.place(label)
            self.asm.code += data
        return self.asm.assemble()

    # operands

    def word(self) -> None:
        rnd = self.rnd
        kind = rnd.random()
        if kind < 0.4:
            self.asm.push(rnd.choice(_WORDS))
        elif kind < 0.6:
            self.asm.push(rnd.randrange(256), 1)
        elif kind < 0.75:
            self.asm.push(rnd.getrandbits(8 * (size := rnd.randrange(1, 33))), size)
        elif kind < 0.9 and self.height:
            self.asm.op(0x7F + rnd.randrange(1, min(self.height, 16) + 1))
        else:
            self.asm.op(rnd.choice(_ZERO_TO_ONE))
        self.height += 1

    def words(self, count: int) -> None:
        for _ in range(count):
            self.word()

    def number(self, value: int) -> None:
        self.asm.push(value)
        self.height += 1

    def offset(self) -> None:
        rare = self.rnd.random()
        if rare < 0.01:
            return self.number(self.rnd.choice([2**16, 2**32, 2**64, 2**256 - 1, 2**256 - 32]))
        if rare < 0.03:
            return self.word()
        return self.number(
            self.rnd.choice([0, 1, 4, 31, 32, 33, 63, 64, 95, 96, 127, 128, 511, self.rnd.randrange(700)])
        )

    def size(self) -> None:
        self.number(self.rnd.choice([0, 0, 1, 4, 31, 32, 33, 64, 96, self.rnd.randrange(300)]))

    def account(self) -> None:
        rnd = self.rnd
        kind = rnd.random()
        if kind < 0.5:
            self.number(int.from_bytes(rnd.choice(CONTRACTS), "big"))
        elif kind < 0.65:
            self.number(int.from_bytes(rnd.choice(DELEGATED), "big"))
        elif kind < 0.8:
            self.number(rnd.choice([1, 1, 2, 3, 4, 4, 5, 6, 7, 9, 10, 11, 16, 17, 18]))
        elif kind < 0.87:
            self.asm.op(0x30)
            self.height += 1
        elif kind < 0.97:
            self.number(int.from_bytes(rnd.choice([NOBODY, FUNDED, SENDER, bytes(BLOCK.coinbase)]), "big"))
        else:
            self.word()

    # statements

    def statement(self, nesting: int) -> None:
        rnd = self.rnd
        if self.height > 40:
            while self.height > 5:
                self.asm.op(0x50)
                self.height -= 1
        choices = [
            (30, self.arithmetic), (14, self.shuffle), (12, self.memory), (6, self.storage), (4, self.copy),
            (4, self.log), (3, self.hash), (7, self.call), (3, self.after_call), (6, self.create), (0.6, self.junk),
            (0.5, self.self_destruct),
        ]  # fmt: skip
        if nesting < 2:
            choices += [
                (7, lambda: self.branch(nesting)),
                (3, lambda: self.loop(nesting)),
                (3, lambda: self.subroutine(nesting)),
            ]
        rnd.choices([c for _, c in choices], [w for w, _ in choices])[0]()

    def arithmetic(self) -> None:
        kind = self.rnd.random()
        if kind < 0.6:
            self.apply(self.rnd.choice(_TWO_TO_ONE), 2, 1)
        elif kind < 0.9:
            self.apply(self.rnd.choice(_ONE_TO_ONE), 1, 1)
        else:
            self.apply(self.rnd.choice(_THREE_TO_ONE), 3, 1)

    def apply(self, opcode: int, pops: int, pushes: int) -> None:
        if self.height < pops or self.rnd.random() < 0.5:
            self.words(pops)
        self.asm.op(opcode)
        self.height += pushes - pops

    def shuffle(self) -> None:
        rnd = self.rnd
        for _ in range(rnd.randrange(1, 6)):
            if self.height < 2:
                self.words(2)
            depth = min(self.height, 16)
            kind = rnd.random()
            if kind < 0.4:
                self.asm.op(0x7F + rnd.randrange(1, depth + 1))
                self.height += 1
            elif kind < 0.75:
                self.asm.op(0x8F + rnd.randrange(1, depth))
            else:
                self.asm.op(0x50)
                self.height -= 1

    def memory(self) -> None:
        kind = self.rnd.random()
        if kind < 0.35:
            self.offset()
            self.asm.op(0x51)
            return
        self.word()
        self.offset()
        self.asm.op(0x52 if kind < 0.8 else 0x53)
        self.height -= 2

    def storage(self) -> None:
        rnd = self.rnd
        transient = rnd.random() < 0.25
        if rnd.random() < 0.4:
            self.number(rnd.randrange(4))
            self.asm.op(0x5C if transient else 0x54)
            return
        self.number(rnd.choice([0, 0, 1, 2, 3, 2**255, rnd.getrandbits(256)]))
        self.number(rnd.randrange(4))
        self.asm.op(0x5D if transient else 0x55)
        self.height -= 2

    def copy(self) -> None:
        if self.rnd.random() < 0.25:
            self.size()
            self.offset()
            self.offset()
            self.account()
            self.asm.op(0x3C)
            self.height -= 4
            return
        opcode = self.rnd.choice(_COPIES)
        if opcode == 0x3E and self.rnd.random() < 0.93:
            # all there is to read, and sometimes a byte more
            self.asm.op(0x3D, 0x5F)
            self.height += 2
            if self.rnd.random() < 0.04:
                self.asm.op(0x60, 0x01, 0x01)
        else:
            self.size()
            self.offset()
        self.offset()
        self.asm.op(opcode)
        self.height -= 3

    def log(self) -> None:
        topics = self.rnd.randrange(5)
        self.words(topics)
        self.size()
        self.offset()
        self.asm.op(0xA0 + topics)
        self.height -= topics + 2

    def hash(self) -> None:
        self.size()
        self.offset()
        self.asm.op(0x20)
        self.height -= 1

    def call(self) -> None:
        rnd = self.rnd
        opcode = rnd.choice([0xF1, 0xF1, 0xF1, 0xF1, 0xF2, 0xF4, 0xF4, 0xFA])
        for _ in range(2):
            self.size()
            self.offset()
        if opcode in (0xF1, 0xF2):
            self.number(rnd.choice([0, 0, 0, 1, 1, 1000, 2**128]))
        self.account()
        if rnd.random() < 0.05:
            self.asm.op(0x5A)
            self.height += 1
        else:
            # mostly a part of what there is, so that most calls come back
            self.number(
                rnd.choice(
                    [0, 100, 2300, 5000, 9000, 20_000, 20_000, 30_000, 50_000, 50_000, rnd.choice([1000, 2**256 - 1])]
                )
            )
        self.asm.op(opcode)
        self.height -= 6 if opcode in (0xF1, 0xF2) else 5

    def after_call(self) -> None:
        self.call()
        self.copy()

    def create(self) -> None:
        rnd = self.rnd
        code = self.init_code()
        start = rnd.choice([0, 0, 7, 64])
        label = self.asm.label()
        self.attachments.append((label, code))
        self.asm.push(len(code))
        self.asm.push_label(label)
        self.asm.push(start)
        self.asm.op(0x39)
        two = rnd.random() < 0.5
        if two:
            self.number(rnd.randrange(2))
        self.number(len(code) if rnd.random() < 0.95 else rnd.choice([0, 1, 40_000, 60_000]))
        self.number(start)
        self.number(rnd.choice([0, 0, 0, 1, 2**128]))
        self.asm.op(0xF5 if two else 0xF0)
        self.height -= 3 if two else 2
        if rnd.random() < 0.6:
            self.call_created()

    def call_created(self) -> None:
        asm = self.asm
        asm.op(0x5F, 0x5F, 0x5F, 0x5F)
        asm.push(self.rnd.choice([0, 0, 1]))
        asm.op(0x85)  # DUP6: the address
        asm.op(0x5A, 0xF1)
        self.height += 1

    def init_code(self) -> bytes:
        rnd = self.rnd
        if self.depth >= _DEEPEST or rnd.random() < 0.2:
            # returns what happens to be in memory
            return bytes.fromhex(
                rnd.choice(["60206000f3", "00", "60ef60005360016000f3", "5f5ffd", "fe", "33ff", "6160016000f3"])
            )
        writer = Writer(rnd, self.depth + 1)
        if rnd.random() < 0.4:
            return writer.program()
        runtime = writer.program()
        if rnd.random() < 0.4:
            # destroys itself, to its caller, itself, nobody, or whom it is told
            runtime = bytes.fromhex(rnd.choice(["33ff", "30ff", "600eff", "5f35ff", "600160005533ff"]))
        loader = Assembler()
        for _ in range(rnd.randrange(3)):
            loader.push(rnd.randrange(3), 1)
            loader.push(rnd.randrange(4), 1)
            loader.op(0x55)
        label = loader.label()
        loader.push(len(runtime), 2)
        loader.push_label(label)
        loader.op(0x5F, 0x39)
        loader.push(len(runtime), 2)
        loader.op(0x5F, 0xF3)
        loader.place(label)
        loader.code += runtime
        return loader.assemble()

    def self_destruct(self) -> None:
        self.account()
        self.asm.op(0xFF)
        self.height -= 1

    def junk(self) -> None:
        rnd = self.rnd
        kind = rnd.randrange(6)
        if kind == 0:
            self.asm.op(rnd.randrange(256))
        elif kind == 1:
            self.asm.op(0x7F + rnd.randrange(1, 17))
            self.height += 1
        elif kind == 2:
            self.number(rnd.randrange(200))
            self.asm.op(0x56)
            self.height -= 1
        elif kind == 3:
            # into the data of a PUSH that looks like a destination
            here = len(self.asm.code)
            self.asm.op(0x61, *divmod(here + 5, 256), 0x56, 0x60, 0x5B)
        elif kind == 4:
            # a loop that only ends when the stack is full or the gas is gone
            label = self.asm.label()
            self.asm.place(label)
            self.asm.op(0x5B, 0x5A, 0x5A, 0x5A, 0x5A)
            self.asm.push_label(label)
            self.asm.op(0x56)
        else:
            self.asm.op(*[0x50] * rnd.randrange(1, 8))
            self.height = 0

    # control flow

    def balanced(self, nesting: int, floor: int) -> None:
        """Write a few statements that leave the stack `floor` high."""
        for _ in range(self.rnd.randrange(1, 4)):
            self.statement(nesting + 1)
        while self.height > floor:
            self.asm.op(0x50)
            self.height -= 1
        while self.height < floor:
            self.word()

    def branch(self, nesting: int) -> None:
        self.word()
        label = self.asm.label()
        if self.rnd.random() < 0.4:
            self.asm.op(0x15)
        if self.rnd.random() < 0.2:
            self.asm.op(0x5F, 0x50)  # keeps the constant away from the jump
        self.asm.push_label(label)
        if self.rnd.random() < 0.1:
            self.asm.op(0x5F, 0x01)  # a destination that is computed
        self.asm.op(0x57)
        self.height -= 1
        self.balanced(nesting, self.height)
        self.asm.place(label)
        self.asm.op(0x5B)

    def loop(self, nesting: int) -> None:
        label = self.asm.label()
        self.number(self.rnd.randrange(1, 5))
        self.asm.place(label)
        self.asm.op(0x5B)
        self.balanced(nesting, self.height)
        self.asm.push(1)
        self.asm.op(0x90, 0x03, 0x80)
        self.asm.push_label(label)
        self.asm.op(0x57)

    def subroutine(self, nesting: int) -> None:
        """Write a function behind a jump and call it two times, as compilers do."""
        over, function = self.asm.label(), self.asm.label()
        self.asm.push_label(over)
        self.asm.op(0x56)
        self.asm.place(function)
        self.asm.op(0x5B)
        kept, self.height = self.height, self.rnd.randrange(1, 3)
        inputs = self.height
        self.balanced(nesting, inputs)
        self.asm.op(0x8F + inputs, 0x56)  # the return position is below the results
        self.height = kept
        self.asm.place(over)
        self.asm.op(0x5B)
        for _ in range(2):
            back = self.asm.label()
            self.asm.push_label(back)
            self.words(inputs)
            self.asm.push_label(function)
            self.asm.op(0x56)
            self.asm.place(back)
            self.asm.op(0x5B)
            # a swap took one result's place for the return position; the count of results stays
        self.height = kept + 2 * inputs

    def ending(self) -> None:
        kind = self.rnd.random()
        if kind < 0.5:
            self.size()
            self.offset()
            self.asm.op(0xF3)
        elif kind < 0.65:
            self.size()
            self.offset()
            self.asm.op(0xFD)
        elif kind < 0.9:
            self.asm.op(0x00)
        elif kind < 0.95:
            self.asm.op(0xFE)
