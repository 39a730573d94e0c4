"""Damage the bytes of a ledger's file at random, and count what a reader gets to see of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from caveats.errors import DelegationsError
from delegations.ledger.ledger import Ledger, find_damage_in_file

_PAGE = 8192


@dataclass
class Tally:
    """What was tried, and what came of it.

    Attributes:
        tried: damaged files.
        named: those in which verification found damage; the others show what they showed before.
        wrong: those of which something else than the original entries was shown, or less without a word.
    """

    tried: int = 0
    named: int = 0
    wrong: int = 0


def shown(path: Path) -> dict[int, bytes]:
    """What a reader gets to see of a file: entries by their index."""
    entries: dict[int, bytes] = {}
    try:
        with Ledger.open(path, read_only=True) as ledger:
            for index in range(ledger.size):
                entries[index] = ledger.read(index).envelope_bytes
    except DelegationsError:  # refused, with a reason: what was shown until then must be right
        return entries
    return entries


def flip_bits(original: Path, path: Path, count: int, *, seed: int = 3) -> Tally:
    """Flip one bit of the file, another one each time."""
    random, whole = Random(seed), original.read_bytes()  # noqa: S311  # the same draws every time

    def flipped() -> bytes:
        data = bytearray(whole)
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        return bytes(data)

    return _try(original, path, (flipped() for _ in range(count)))


def overwrite(original: Path, path: Path, count: int, *, seed: int = 5) -> Tally:
    """Write up to two pages of rubbish, or of another place of the file, over some place of it."""
    random, whole = Random(seed), original.read_bytes()  # noqa: S311  # the same draws every time

    def overwritten() -> bytes:
        at, length = random.randrange(len(whole)), random.randrange(1, 2 * _PAGE)
        if random.random() < 0.5:
            at, length = at - at % _PAGE, _PAGE
        other = random.randrange(0, len(whole), _PAGE)
        rubbish = random.choice((random.randbytes(length), bytes(length), whole[other : other + length]))
        return (whole[:at] + rubbish + whole[at + length :])[: len(whole)]

    return _try(original, path, (overwritten() for _ in range(count)))


def cut_short(original: Path, path: Path, count: int, *, seed: int = 4) -> Tally:
    """Cut the file at each page and at so many other places."""
    random, whole = Random(seed), original.read_bytes()  # noqa: S311  # the same draws every time
    lengths = [0, 1, 99, 100, *range(_PAGE, len(whole), _PAGE), *(random.randrange(len(whole)) for _ in range(count))]
    return _try(original, path, (whole[:length] for length in lengths))


def _try(original: Path, path: Path, files: Iterable[bytes]) -> Tally:
    tally, right = Tally(), shown(original)
    for data in files:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(data)
        is_named = bool(find_damage_in_file(path))
        seen = shown(path)
        tally.tried += 1
        tally.named += is_named
        tally.wrong += not (seen.items() <= right.items() and (is_named or seen == right))
    return tally
