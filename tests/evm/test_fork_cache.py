"""What a fork keeps on disk: found again without asking, and never wrong after a crash, a cut or a mix-up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caveats.errors import EncodingError
from caveats.types import Address, keccak
from delegations.evm import AccountState, LocalChain
from delegations.evm.fork_cache import ForkCache
from delegations.simulation import simulate
from tests.enforcers.harness import ALICE, CHAIN_ID, SHOP
from tests.evm.fork_node import Relay

BLOCK, OTHER = keccak(b"block"), keccak(b"other")
ONE = Address(b"\x21" * 20)
CONTRACT = AccountState(2**256 - 1, 2**64 - 1, b"\x60\x00")
STATE = {bytes(ONE): CONTRACT, bytes(ALICE): AccountState(5, 0), bytes(SHOP): AccountState()}
SLOTS = {(bytes(ONE), 0): 7, (bytes(ONE), 2**256 - 1): 0, (bytes(SHOP), 1): 2**256 - 1}


def filled(directory: Path, block: bytes = BLOCK, chain_id: int = 1) -> ForkCache:
    cache = ForkCache(directory, chain_id, block)
    cache.keep(STATE, SLOTS)
    return cache


def file_of(directory: Path, block: bytes = BLOCK, chain_id: int = 1) -> Path:
    return directory / str(chain_id) / block.hex()


def known(cache: ForkCache) -> tuple[list[AccountState | None], list[int | None]]:
    return [cache.account(address) for address in STATE], [cache.slot(*key) for key in SLOTS]


EVERYTHING = (list(STATE.values()), list(SLOTS.values()))


def test_what_was_kept_is_found_again(tmp_path):
    assert known(filled(tmp_path)) == EVERYTHING
    again = ForkCache(tmp_path, 1, BLOCK)
    assert known(again) == EVERYTHING
    assert again.account(b"\x77" * 20) is None
    assert again.slot(ONE, 5) is None


@pytest.mark.parametrize(("chain_id", "block"), [(2, BLOCK), (1, OTHER)])
def test_another_chain_or_block_knows_nothing_of_it(tmp_path, chain_id, block):
    filled(tmp_path)
    assert known(ForkCache(tmp_path, chain_id, block)) == ([None] * 3, [None] * 3)


def test_a_file_copied_from_another_block_is_worth_nothing(tmp_path):
    filled(tmp_path)
    file_of(tmp_path, OTHER).write_bytes(file_of(tmp_path).read_bytes())
    assert known(ForkCache(tmp_path, 1, OTHER)) == ([None] * 3, [None] * 3)
    assert file_of(tmp_path, OTHER).read_bytes() == b"", "it was written anew"


def test_a_file_cut_anywhere_holds_what_is_whole_and_nothing_else(tmp_path):
    filled(tmp_path)
    whole = file_of(tmp_path).read_bytes()
    for length in range(len(whole)):
        file_of(tmp_path).write_bytes(whole[:length])
        accounts, slots = known(ForkCache(tmp_path, 1, BLOCK))
        assert all(found in (None, there) for found, there in zip(accounts, EVERYTHING[0], strict=True))
        assert all(found in (None, there) for found, there in zip(slots, EVERYTHING[1], strict=True))
        lines = whole[:length].count(b"\n") - 1
        assert sum(found is not None for found in accounts + slots) >= lines


def test_a_line_altered_anywhere_is_left_out_and_the_file_mended(tmp_path):
    filled(tmp_path)
    whole = file_of(tmp_path).read_bytes()
    for place in range(1, len(whole), 3):
        file_of(tmp_path).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        accounts, slots = known(ForkCache(tmp_path, 1, BLOCK))
        assert all(found in (None, there) for found, there in zip(accounts, EVERYTHING[0], strict=True))
        assert all(found in (None, there) for found, there in zip(slots, EVERYTHING[1], strict=True))
        assert 4 <= sum(found is not None for found in accounts + slots) < 6
        assert set(file_of(tmp_path).read_bytes().splitlines()) < set(whole.splitlines())


def test_what_a_crash_tore_does_not_take_the_next_line_with_it(tmp_path):
    filled(tmp_path)
    with file_of(tmp_path).open("ab") as file:
        file.write(b"0011223344")
    late = ForkCache(tmp_path, 1, BLOCK)
    with file_of(tmp_path).open("ab") as file:
        file.write(b"5566")
    late.keep({}, {(bytes(ONE), 9): 9})
    again = ForkCache(tmp_path, 1, BLOCK)
    assert again.slot(ONE, 9) == 9
    assert known(again) == EVERYTHING


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"\xff" * 100, b"a" * 10, bytes(range(256)) * 16])
def test_a_file_of_anything_else_is_an_empty_cache(tmp_path, content):
    filled(tmp_path)
    file_of(tmp_path).write_bytes(content)
    cache = ForkCache(tmp_path, 1, BLOCK)
    assert known(cache) == ([None] * 3, [None] * 3)
    cache.keep(STATE, SLOTS)
    assert known(ForkCache(tmp_path, 1, BLOCK)) == EVERYTHING


def test_code_that_does_not_hash_to_its_name_is_read_again(tmp_path):
    filled(tmp_path)
    path = tmp_path / "code" / keccak(CONTRACT.code).hex()
    assert path.read_bytes() == CONTRACT.code
    path.write_bytes(b"\x60\x01")
    cache = ForkCache(tmp_path, 1, BLOCK)
    assert cache.account(ONE) is None
    assert not path.exists()
    cache.keep({bytes(ONE): CONTRACT}, {})
    assert ForkCache(tmp_path, 1, BLOCK).account(ONE) == CONTRACT


def test_code_is_kept_once_for_all_blocks(tmp_path):
    for block in (BLOCK, OTHER):
        filled(tmp_path, block)
    assert [path.name for path in (tmp_path / "code").iterdir()] == [keccak(CONTRACT.code).hex()]


def test_two_values_for_one_slot_are_none(tmp_path):
    """A node that cheats, as development nodes can, changes state without changing the block."""
    filled(tmp_path)
    ForkCache(tmp_path, 1, BLOCK).keep({bytes(ALICE): AccountState(6, 0)}, {(bytes(ONE), 0): 8})
    again = ForkCache(tmp_path, 1, BLOCK)
    assert (again.account(ALICE), again.slot(ONE, 0)) == (None, None)
    assert again.account(ONE) == CONTRACT


def test_a_directory_that_cannot_be_made_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EncodingError, match=r"fork cache: expected a directory that can be written to, got .*file"):
        ForkCache(tmp_path / "file", 1, BLOCK)


def test_a_disk_that_takes_no_more_stops_the_writing_and_nothing_else(tmp_path):
    cache = ForkCache(tmp_path, 1, BLOCK)
    file_of(tmp_path).unlink()
    file_of(tmp_path).mkdir()
    cache.keep(STATE, SLOTS)
    assert known(cache) == EVERYTHING
    cache.keep({}, {(bytes(ONE), 5): 5})
    assert cache.slot(ONE, 5) == 5


def test_others_may_not_look_in(tmp_path):
    filled(tmp_path / "new")
    assert (tmp_path / "new" / "1").stat().st_mode & 0o077 == 0
    assert file_of(tmp_path / "new").stat().st_mode & 0o077 == 0


def test_several_processes_write_at_the_same_time(tmp_path):
    script = (
        "import sys; from pathlib import Path; from delegations.evm.fork_cache import ForkCache\n"
        "cache = ForkCache(Path(sys.argv[1]), 1, bytes.fromhex(sys.argv[2]))\n"
        "for slot in range(200): cache.keep({}, {(bytes([int(sys.argv[3])] * 20), slot): slot})\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), BLOCK.hex(), str(i)], env=dict(os.environ))
        for i in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    cache = ForkCache(tmp_path, 1, BLOCK)
    assert all(cache.slot(bytes([i] * 20), slot) == slot for i in range(3) for slot in range(200))


# under a fork


def test_a_second_fork_of_a_block_asks_for_the_block_alone(live, relay, tmp_path):
    first = simulate(LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path), live.redemption(5))
    relay.asked.clear()
    assert simulate(LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path), live.redemption(5)) == first
    assert relay.methods() == ["eth_chainId", "eth_getBlockByNumber"]


def test_without_a_directory_nothing_is_kept(live, relay, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulate(LocalChain.fork(relay.url, live.tip), live.redemption(5))
    relay.asked.clear()
    simulate(LocalChain.fork(relay.url, live.tip), live.redemption(5))
    assert len(relay.asked) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_spoiled_cache_changes_no_verdict(live, relay, tmp_path):
    first = simulate(LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path), live.redemption(5))
    (path,) = (tmp_path / str(CHAIN_ID)).iterdir()
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole.replace(b"0", b"1"), b"", whole[:200] + b"\0" * 300 + whole[500:]):
        path.write_bytes(content)
        assert simulate(LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path), live.redemption(5)) == first
    for code in (tmp_path / "code").iterdir():
        code.write_bytes(b"\0")
    assert simulate(LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path), live.redemption(5)) == first


def test_what_is_written_here_is_not_kept(live, relay: Relay, tmp_path):
    chain = LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path)
    before = chain.balance(ALICE)
    chain.fund(ALICE, 1)
    chain.world.set_storage(live.stage.token, 99, 7)
    again = LocalChain.fork(relay.url, live.tip, cache_dir=tmp_path)
    assert (again.balance(ALICE), again.world.storage(live.stage.token, 99)) == (before, 0)


def test_another_block_is_another_cache(live, relay, tmp_path):
    old, new = (LocalChain.fork(relay.url, block, cache_dir=tmp_path) for block in (live.tip - 2, live.tip))
    assert [chain.balance(SHOP, live.stage.token) for chain in (old, new, old)] == [0, 1, 0]
    assert len(list((tmp_path / str(CHAIN_ID)).iterdir())) == 2
