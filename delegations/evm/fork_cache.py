"""What was read of a block, on disk: by chain, block hash, account and slot. A block hash never means other state, so
nothing in here grows old.

    <directory>/<chain id>/<block hash>    one record to a line, appended as it is read
    <directory>/code/<keccak of the code>  code, the same for every block and chain

Each line begins with a checksum that also covers chain and block. A line that was torn by a crash, cut, altered or
copied from another block does not fit its checksum: it is left out, the file is written anew, and what it said is asked
again. The checksum finds accidents; whoever may write to the directory is trusted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from caveats.errors import EncodingError
from caveats.types import keccak
from delegations.evm.world import AccountState

_SUM_SIZE = 8
_NO_CODE = keccak(b"")
_MAX_NONCE, _MAX_WORD = 2**64 - 1, 2**256 - 1
_Key = tuple[bytes, int | None]  # an account, or one of its slots
_Record = tuple[int, int, bytes] | int


class ForkCache:
    """The records of one block. Several processes may use one directory at the same time.

    A disk that takes no more is no reason to give no answer: from then on nothing is written.

    Args:
        directory: made when it is missing, for this user alone.
        chain_id: of the chain.
        block_hash: of the block.

    Raises:
        EncodingError: the directory cannot be made or written to.
    """

    def __init__(self, directory: Path, chain_id: int, block_hash: bytes) -> None:
        self._codes = directory / "code"
        self._path = directory / str(chain_id) / block_hash.hex()
        self._sum_key = b"delegations fork 1 %d " % chain_id + block_hash[:32]
        self._records: dict[_Key, _Record] = {}
        self._contradicted: set[_Key] = set()
        try:
            for folder in (self._codes, self._path.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
            self._read()
        except OSError as error:
            raise EncodingError.of(
                "fork cache", expected="a directory that can be written to", got=f"{directory}: {error.strerror}"
            ) from error
        self._is_writable = True

    def account(self, address: bytes) -> AccountState | None:
        """Return the account; None when it is not known."""
        record = self._records.get((address, None))
        if not isinstance(record, tuple):
            return None
        balance, nonce, code_hash = record
        code = b"" if code_hash == _NO_CODE else self._code(code_hash)
        return None if code is None else AccountState(balance, nonce, code)

    def slot(self, address: bytes, slot: int) -> int | None:
        """Return the value of a slot; None when it is not known."""
        record = self._records.get((address, slot))
        return record if isinstance(record, int) else None

    def keep(self, accounts: Mapping[bytes, AccountState], slots: Mapping[tuple[bytes, int], int]) -> None:
        """Add what was read."""
        new: dict[_Key, _Record] = {}
        try:
            for address, account in accounts.items():
                code_hash = keccak(account.code)
                if account.code:
                    self._keep_code(code_hash, account.code)
                new[address, None] = (account.balance, account.nonce, code_hash)
            new.update({(address, slot): value for (address, slot), value in slots.items()})
            if new and self._is_writable:
                # it begins with a new line: what a crash tore before it stays a line of its own
                lines = "\n" + "".join(self._line(key, record) for key, record in new.items())
                with self._path.open("ab", buffering=0) as file:
                    file.write(lines.encode())
        except OSError:
            self._is_writable = False
        self._records.update(new)

    # the file of the block

    def _read(self) -> None:
        content = self._path.read_bytes()
        lines = [line for line in content.split(b"\n") if line]
        good = [line + b"\n" for line in lines if self._take(line)]
        if len(good) != len(lines):
            _write_whole(self._path, b"".join(good))

    def _take(self, line: bytes) -> bool:
        """Note what a line says; return False when it is not whole."""
        said, _, record = line.partition(b" ")
        if said != self._sum(record):
            return False
        try:
            address, slot, *values = record.decode("ascii").split(" ")
            key, value = _parse(address, slot, values)
        except ValueError:
            return False
        if key in self._contradicted or self._records.setdefault(key, value) != value:
            # one state has one value: a node that said two is asked each time
            self._contradicted.add(key)
            self._records.pop(key, None)
        return True

    def _line(self, key: _Key, record: _Record) -> str:
        address, slot = key
        if isinstance(record, int):
            text = f"{address.hex()} {slot:x} {record:x}"
        else:
            balance, nonce, code_hash = record
            text = f"{address.hex()} - {balance:x} {nonce:x} {code_hash.hex()}"
        return f"{self._sum(text.encode()).decode()} {text}\n"

    def _sum(self, record: bytes) -> bytes:
        return hashlib.blake2b(self._sum_key + record, digest_size=_SUM_SIZE).hexdigest().encode()

    # code

    def _code(self, code_hash: bytes) -> bytes | None:
        path = self._codes / code_hash.hex()
        with contextlib.suppress(OSError):
            code = path.read_bytes()
            if keccak(code) == code_hash:
                return code
            path.unlink()
        return None

    def _keep_code(self, code_hash: bytes, code: bytes) -> None:
        path = self._codes / code_hash.hex()
        if self._is_writable and not path.exists():
            _write_whole(path, code)


def _parse(address: str, slot: str, values: list[str]) -> tuple[_Key, _Record]:
    """Return what the fields of a line say. Raises ValueError."""
    key = bytes.fromhex(address)
    if slot == "-":
        balance, nonce, code_hash = values
        account = (int(balance, 16), int(nonce, 16), bytes.fromhex(code_hash))
        if len(key) != 20 or account[0] > _MAX_WORD or account[1] > _MAX_NONCE or len(account[2]) != 32:
            raise ValueError("no account")
        return (key, None), account
    (value,) = values
    if len(key) != 20 or max(int(slot, 16), int(value, 16)) > _MAX_WORD:
        raise ValueError("no slot")
    return (key, int(slot, 16)), int(value, 16)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
