"""Bytes, hashes and signatures, of a root delegation with four caveats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from scripts.figures.harness import Measured, Parts, against, figure


@dataclass(frozen=True)
class Papers:
    """One delegation, in our form and in the forms the peers take."""

    grant: Any
    account: Any
    typed_data: dict[str, Any]
    abi_type: str
    abi_value: tuple[Any, ...]


def papers() -> Papers:
    """Return the delegation whose bytes are measured."""
    from caveats import AllowedTargets, ERC20TransferAmount, LimitedCalls, Timestamp
    from caveats.types import Address
    from delegations import DELEGATION_MANAGER, create_delegation, sign_delegation
    from delegations.evm import dev_account

    alice, agent, token = (Address(dev_account(i).address) for i in range(3))
    caveats = [
        AllowedTargets(targets=(token,)),
        ERC20TransferAmount(token=token, max_amount=10**18),
        Timestamp(before_at=1_900_000_000),
        LimitedCalls(limit=5),
    ]
    unsigned = create_delegation(delegator=alice, delegate=agent, caveats=caveats, salt=2**255)
    grant = sign_delegation(unsigned, dev_account(0), chain_id=1, manager=DELEGATION_MANAGER)
    fields = {"delegate": "address", "delegator": "address", "authority": "bytes32", "caveats": "Caveat[]"}
    typed_data = {
        "domain": {
            "name": "DelegationManager",
            "version": "1",
            "chainId": 1,
            "verifyingContract": str(DELEGATION_MANAGER),
        },
        "primaryType": "Delegation",
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Delegation": [{"name": n, "type": t} for n, t in {**fields, "salt": "uint256"}.items()],
            "Caveat": [{"name": "enforcer", "type": "address"}, {"name": "terms", "type": "bytes"}],
        },
        "message": {
            "delegate": str(agent),
            "delegator": str(alice),
            "authority": bytes(grant.authority),
            "caveats": [{"enforcer": str(c.enforcer), "terms": c.terms} for c in grant.caveats],
            "salt": grant.salt,
        },
    }
    abi_value = (
        str(agent),
        str(alice),
        bytes(grant.authority),
        [(str(c.enforcer), c.terms, c.args) for c in grant.caveats],
        grant.salt,
        grant.signature,
    )
    abi_type = "(address,address,bytes32,(address,bytes,bytes)[],uint256,bytes)[]"
    return Papers(grant, dev_account(0), typed_data, abi_type, abi_value)


@figure("us")
def encode_context() -> Measured:
    from eth_abi.abi import encode

    from delegations import encode_context as ours

    given = papers()
    return against("eth_abi", lambda: ours([given.grant]), lambda: encode([given.abi_type], [[given.abi_value]]))


@figure("us")
def decode_context() -> Measured:
    from eth_abi.abi import decode

    from delegations import decode_context as ours
    from delegations import encode_context

    given = papers()
    context = encode_context([given.grant])
    return against("eth_abi", lambda: ours(context), lambda: decode([given.abi_type], context), same=_same_context)


@figure("us")
def decode_calldata() -> Parts:
    """redeemDelegations calldata of one redemption and of ten, contexts and executions included."""
    from eth_abi.abi import decode

    from delegations import Execution, decode_redeem_delegations, encode_redeem_delegations, redeem

    given = papers()
    redemption = redeem(given.grant, Execution(target=given.grant.delegate, value=1))

    def of(count: int) -> Measured:
        calldata = encode_redeem_delegations([redemption] * count)

        def theirs() -> list[Any]:
            contexts, modes, executions = decode(["bytes[]", "bytes32[]", "bytes[]"], calldata[4:])
            # a single execution is packed, not ABI encoded, so there is nothing left for the peer to do
            return [
                (decode([given.abi_type], context), mode, execution)
                for context, mode, execution in zip(contexts, modes, executions, strict=True)
            ]

        def same(ours: Any, other: Any) -> bool:
            return all(
                _same_context(r.context, context) and mode == r.mode.value and execution[:20] == r.executions[0].target
                for r, (context, mode, execution) in zip(ours, other, strict=True)
            )

        measured = against("eth_abi", lambda: decode_redeem_delegations(calldata), theirs, same=same)
        return replace(measured, of=str(count))

    return [of(1), of(10)]


def _same_context(ours: Any, theirs: Any) -> bool:
    plain = tuple(
        (
            str(d.delegate).lower(),
            str(d.delegator).lower(),
            bytes(d.authority),
            tuple((str(c.enforcer).lower(), c.terms, c.args) for c in d.caveats),
            d.salt,
            d.signature,
        )
        for d in ours
    )
    return bool((plain,) == theirs)


@figure("us")
def hash_to_sign() -> Measured:
    from eth_account.messages import _hash_eip191_message, encode_typed_data

    from delegations import DELEGATION_MANAGER
    from delegations import hash_to_sign as ours

    given = papers()
    return against(
        "eth_account",
        lambda: bytes(ours(given.grant, chain_id=1, manager=DELEGATION_MANAGER)),
        lambda: bytes(_hash_eip191_message(encode_typed_data(full_message=given.typed_data))),
    )


@figure("us")
def sign_delegation() -> Measured:
    from delegations import DELEGATION_MANAGER
    from delegations import sign_delegation as ours

    given = papers()
    return against(
        "eth_account",
        lambda: ours(given.grant, given.account, chain_id=1, manager=DELEGATION_MANAGER).signature,
        lambda: bytes(given.account.sign_typed_data(full_message=given.typed_data).signature),
    )
