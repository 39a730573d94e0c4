"""The JSON-RPC methods that clients of a development chain use, answered by a local chain in this process.

Every transaction is mined at once, alone in its block. Only the newest state is kept: a question about another block's
state is refused. A method that is not here is answered as a node answers one it does not have.

Source: Ethereum execution APIs; EIP-1474 for the error codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from eth_bloom.bloom import BloomFilter

from caveats.errors import DelegationsError, EncodingError, ExecutionError, UnsupportedError
from caveats.types import ZERO_ADDRESS, Address, Bytes32, format_hex, keccak, parse_bytes, parse_hex, parse_uint256
from delegations.evm.engine import BLOCK_GAS_LIMIT, DEFAULT_GAS, Log, Outcome, Transaction
from delegations.framework.reverts import decode_revert
from delegations.testing.history import Mined, RecordingChain
from delegations.testing.transactions import decode_transaction, send_signed

_REVERTED, _BAD_PARAMS, _NO_METHOD, _REFUSED = 3, -32602, -32601, -32000
_TAGS = ("latest", "pending", "safe", "finalized")
_TAKEN = {"from", "to", "data", "input", "value", "gas", "nonce", "chainId", "type"}
# a chain at base fee 0 asks for no fee, and what is offered to it is not charged for an unsigned transaction
_FEES = {"gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"}


class _RevertedError(ExecutionError):
    """A call that would be made fails."""


class LocalRpc:
    """Answers for one chain.

    Args:
        chain: it.
        accounts: for whom `eth_sendTransaction` sends; everybody else signs.
    """

    def __init__(self, chain: RecordingChain, accounts: Sequence[Address] = ()) -> None:
        self.chain = chain
        self.accounts = tuple(accounts)
        self._methods = {
            name[1:]: getattr(self, name) for name in dir(type(self)) if name.startswith(("_eth_", "_net_", "_web3_"))
        }

    def answer(self, method: str, params: Sequence[Any] = (), *, identifier: object = 1) -> dict[str, Any]:
        """Return the JSON-RPC answer to one request. Never raises for what is asked."""
        head = {"jsonrpc": "2.0", "id": identifier}
        known = self._methods.get(method)
        if known is None:
            return head | {"error": {"code": _NO_METHOD, "message": f"the method {method} does not exist"}}
        try:
            signature(known).bind(*params)
        except TypeError as error:
            return head | {"error": {"code": _BAD_PARAMS, "message": f"{method}: {error}"}}
        try:
            return head | {"result": known(*params)}
        except _RevertedError as error:
            data = format_hex(error.revert_data or b"")
            return head | {"error": {"code": _REVERTED, "message": str(error), "data": data}}
        except EncodingError as error:
            return head | {"error": {"code": _BAD_PARAMS, "message": f"{method}: {error}"}}
        except DelegationsError as error:
            return head | {"error": {"code": _REFUSED, "message": str(error)}}

    # the chain

    def _eth_chainId(self) -> str:  # noqa: N802 - the method's own name
        return hex(self.chain.chain_id)

    def _net_version(self) -> str:
        return str(self.chain.chain_id)

    def _web3_clientVersion(self) -> str:  # noqa: N802
        return f"delegations/{self.chain.engine.name}"

    def _eth_accounts(self) -> list[str]:
        return [str(account) for account in self.accounts]

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self._newest)

    def _eth_gasPrice(self) -> str:  # noqa: N802
        return hex(0)

    def _eth_maxPriorityFeePerGas(self) -> str:  # noqa: N802
        return hex(0)

    # the state

    def _eth_getBalance(self, address: str, block: Any = "latest") -> str:  # noqa: N802
        self._require_newest(block)
        return hex(self.chain.world.balance(Address(address)))

    def _eth_getCode(self, address: str, block: Any = "latest") -> str:  # noqa: N802
        self._require_newest(block)
        return format_hex(self.chain.world.code(Address(address)))

    def _eth_getStorageAt(self, address: str, slot: str | int, block: Any = "latest") -> str:  # noqa: N802
        self._require_newest(block)
        return f"{self.chain.world.storage(Address(address), parse_uint256(slot)):#066x}"

    def _eth_getTransactionCount(self, address: str, block: Any = "latest") -> str:  # noqa: N802
        self._require_newest(block)
        return hex(self.chain.world.nonce(Address(address)))

    # calls and transactions

    def _eth_call(self, request: Any, block: Any = "latest") -> str:
        self._require_newest(block)
        call = _Call(request)
        return format_hex(_or_raise(self._try(call, call.gas)).output)

    def _eth_estimateGas(self, request: Any, block: Any = "latest") -> str:  # noqa: N802
        self._require_newest(block)
        call = _Call(request)
        high = call.gas
        used = _or_raise(self._try(call, high)).gas_used
        low = used - 1
        # what is used is often enough; where it is not (63/64 of the gas goes down, refunds), it is searched for
        if self._suffices(call, used):
            return hex(used)
        while low + 1 < high:
            middle = min((low + high) // 2, 2 * low)
            low, high = (low, middle) if self._suffices(call, middle) else (middle, high)
        return hex(high)

    def _eth_sendTransaction(self, request: Any) -> str:  # noqa: N802
        call = _Call(request)
        if call.sender not in self.accounts:
            raise UnsupportedError(
                f"account {call.sender}: expected one of eth_accounts; others sign, or act by chain.send"
            )
        expected = self.chain.world.nonce(call.sender)
        if call.nonce not in (None, expected):
            raise ExecutionError(f"nonce of {call.sender}: expected {expected}, got {call.nonce}")
        if call.chain_id not in (None, self.chain.chain_id):
            raise ExecutionError(f"chain id: expected {self.chain.chain_id}, got {call.chain_id}")
        self.chain.send(call.sender, call.to, call.data, value=call.value, gas=call.gas)
        return format_hex(self.chain.history[-1].hash)

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802
        signed = decode_transaction(parse_hex(raw, what="transaction"))
        return format_hex(send_signed(self.chain, signed).hash)

    def _try(self, call: _Call, gas: int) -> Outcome:
        transaction = Transaction(call.sender, call.to, call.data, call.value, gas)
        return self.chain.engine.execute(self.chain.world, self.chain.block, transaction)

    def _suffices(self, call: _Call, gas: int) -> bool:
        try:
            return self._try(call, gas).success
        except ExecutionError:  # less than a transaction needs to begin
            return False

    # what was mined

    def _eth_getTransactionReceipt(self, digest: str) -> dict[str, Any] | None:  # noqa: N802
        mined = self._find(digest)
        return None if mined is None else _receipt(mined)

    def _eth_getTransactionByHash(self, digest: str) -> dict[str, Any] | None:  # noqa: N802
        mined = self._find(digest)
        return None if mined is None else _transaction(mined)

    def _eth_getBlockByNumber(self, block: Any, full: bool = False) -> dict[str, Any] | None:  # noqa: N802
        number = self._number(block)
        return self._block(number, full) if number <= self._newest else None

    def _eth_getBlockByHash(self, digest: str, full: bool = False) -> dict[str, Any] | None:  # noqa: N802
        number = self._number_of(digest)
        return None if number is None else self._block(number, full)

    def _eth_getLogs(self, asked: Any) -> list[dict[str, Any]]:  # noqa: N802
        if not isinstance(asked, Mapping) or not asked.keys() <= {
            "address",
            "topics",
            "fromBlock",
            "toBlock",
            "blockHash",
        }:
            raise EncodingError.of(
                "filter", expected="address, topics, and a range of blocks or a block hash", got=asked
            )
        if "blockHash" in asked:
            first = last = self._number_of(asked["blockHash"])
        else:
            first, last = self._number(asked.get("fromBlock", "latest")), self._number(asked.get("toBlock", "latest"))
        if first is None or last is None:
            raise ExecutionError(f"block {asked['blockHash']}: there is none of that hash")
        given = asked.get("address")
        addresses = None if given is None else {Address(each) for each in _listed(given)}
        topics = [
            None if entry is None else {Bytes32(word) for word in _listed(entry)}
            for entry in _listed(asked.get("topics") or [])
        ]
        return [
            entry
            for mined in self.chain.history
            if first <= mined.block.number <= last
            for entry, log in zip(_logs(mined), mined.outcome.logs, strict=True)
            if (addresses is None or log.address in addresses) and _match(log, topics)
        ]

    # blocks

    @property
    def _newest(self) -> int:
        return max(self.chain.block_number - 1, 0)

    def _number(self, block: Any) -> int:
        if block in _TAGS:
            return self._newest
        return 0 if block == "earliest" else parse_uint256(block)

    def _require_newest(self, block: Any) -> None:
        if self._number(block) != self._newest:
            raise UnsupportedError(f"state of block {block}: expected the newest, {self._newest}; no other is kept")

    def _number_of(self, digest: Any) -> int | None:
        wanted = Bytes32(digest)
        numbers = range(self.chain.first_block - 1, self._newest + 1)
        return next(
            (number for number in reversed(numbers) if _block_hash(self.chain.chain_id, number) == wanted), None
        )

    def _find(self, digest: str) -> Mined | None:
        wanted = Bytes32(digest)
        return next((mined for mined in reversed(self.chain.history) if mined.hash == wanted), None)

    def _block(self, number: int, full: bool) -> dict[str, Any]:
        chain = self.chain
        mined = [entry for entry in chain.history if entry.block.number == number]
        return {
            "number": hex(number),
            "hash": format_hex(_block_hash(chain.chain_id, number)),
            "parentHash": format_hex(_block_hash(chain.chain_id, number - 1) if number else bytes(32)),
            "timestamp": hex(mined[-1].block.timestamp if mined else chain.timestamp),
            "transactions": [_transaction(entry) if full else format_hex(entry.hash) for entry in mined],
            "gasUsed": hex(sum(entry.outcome.gas_used for entry in mined)),
            "gasLimit": hex(BLOCK_GAS_LIMIT),
            "baseFeePerGas": hex(0),
            "logsBloom": _bloom([log for entry in mined for log in entry.outcome.logs]),
            "miner": str(ZERO_ADDRESS),
            "difficulty": hex(0),
            "extraData": "0x",
            "nonce": format_hex(bytes(8)),
            "size": hex(0),
            "uncles": [],
            **dict.fromkeys(("mixHash", "sha3Uncles", "stateRoot", "transactionsRoot", "receiptsRoot"), _ZERO_WORD),
        }


class _Call:
    """The request of a call or an unsigned transaction."""

    def __init__(self, request: Any) -> None:
        if not isinstance(request, Mapping):
            raise EncodingError.of("call", expected="an object", got=request)
        unknown = sorted(set(request) - _TAKEN - _FEES)
        if unknown:
            raise UnsupportedError(f"call: {', '.join(unknown)} cannot be taken; sign the transaction instead")
        self.sender = Address(request.get("from", str(ZERO_ADDRESS)))
        self.to = Address(request["to"]) if request.get("to") else None
        self.data = parse_bytes(request.get("data", request.get("input", "0x")))
        self.value = parse_uint256(request.get("value", 0))
        self.gas = parse_uint256(request.get("gas", DEFAULT_GAS))
        self.nonce = None if request.get("nonce") is None else parse_uint256(request["nonce"])
        self.chain_id = None if request.get("chainId") is None else parse_uint256(request["chainId"])


_ZERO_WORD = format_hex(bytes(32))


def _or_raise(outcome: Outcome) -> Outcome:
    if outcome.success:
        return outcome
    if outcome.error != "revert":
        raise ExecutionError(outcome.error or "halt")
    reason = decode_revert(outcome.output)
    said = reason.reason or reason.name
    raise _RevertedError(f"execution reverted{f': {said}' if said else ''}", revert_data=outcome.output)


def _block_hash(chain_id: int, number: int) -> bytes:
    # a name for the block and no more: there is no header to hash
    return keccak(b"block" + chain_id.to_bytes(32, "big") + number.to_bytes(32, "big", signed=True))


def _listed(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, (list, tuple)):
        raise EncodingError.of("filter", expected="a value or a list of them", got=value)
    return list(value)


def _match(log: Log, topics: Sequence[set[Bytes32] | None]) -> bool:
    if len(topics) > len(log.topics):
        return False
    return all(
        wanted is None or not wanted or topic in wanted for wanted, topic in zip(topics, log.topics, strict=False)
    )


def _place(mined: Mined) -> dict[str, str]:
    return {
        "transactionHash": format_hex(mined.hash),
        "transactionIndex": hex(0),
        "blockHash": format_hex(_block_hash(mined.block.chain_id, mined.block.number)),
        "blockNumber": hex(mined.block.number),
    }


def _logs(mined: Mined) -> list[dict[str, Any]]:
    return [
        {
            "address": str(log.address),
            "topics": [format_hex(topic) for topic in log.topics],
            "data": format_hex(log.data),
            "logIndex": hex(index),
            "removed": False,
            **_place(mined),
        }
        for index, log in enumerate(mined.outcome.logs)
    ]


def _bloom(logs: Sequence[Log]) -> str:
    held = BloomFilter.from_iterable(item for log in logs for item in (bytes(log.address), *log.topics))
    return format_hex(int(held).to_bytes(256, "big"))


def _receipt(mined: Mined) -> dict[str, Any]:
    outcome, transaction = mined.outcome, mined.transaction
    return {
        **_place(mined),
        "from": str(transaction.sender),
        "to": None if transaction.to is None else str(transaction.to),
        "contractAddress": None if outcome.created is None else str(outcome.created),
        "status": hex(int(outcome.success)),
        "gasUsed": hex(outcome.gas_used),
        "cumulativeGasUsed": hex(outcome.gas_used),
        "effectiveGasPrice": hex(mined.gas_price),
        "logs": _logs(mined),
        "logsBloom": _bloom(outcome.logs),
        "type": hex(mined.kind),
    }


def _transaction(mined: Mined) -> dict[str, Any]:
    transaction, place = mined.transaction, _place(mined)
    place["hash"] = place.pop("transactionHash")
    return {
        **place,
        "from": str(transaction.sender),
        "to": None if transaction.to is None else str(transaction.to),
        "input": format_hex(transaction.data),
        "value": hex(transaction.value),
        "gas": hex(transaction.gas),
        "nonce": hex(mined.nonce),
        "gasPrice": hex(mined.gas_price),
        "chainId": hex(mined.block.chain_id),
        "type": hex(mined.kind),
    }
