"""What a balance may lose or must gain, to the last unit, on the official bytecode."""

from __future__ import annotations

import pytest
from eth_abi import encode as abi_encode

from caveats import (
    ERC20BalanceChange,
    ERC20MultiOperationIncreaseBalance,
    ERC721BalanceChange,
    ERC721MultiOperationIncreaseBalance,
    ERC1155BalanceChange,
    ERC1155MultiOperationIncreaseBalance,
    Execution,
    NativeBalanceChange,
    NativeTokenMultiOperationIncreaseBalance,
    TermsError,
)
from caveats.abi import encode_address, encode_uint
from caveats.attempt import Attempt, StateKey
from caveats.types import Address, keccak
from delegations.delegation import hash_delegation
from tests.enforcers.harness import AGENT, ALICE, SHOP, attempt_on, check_steps, grant, said, set_stage, transfer
from tests.enforcers.hooks import SOME_HASH, call_hook, hook_call_data

EXEC = "CaveatEnforcer:invalid-execution-type"
ETHER = 10**18
CHANGES = (NativeBalanceChange, ERC20BalanceChange, ERC721BalanceChange, ERC1155BalanceChange)
# balanceOf(address,uint256) answers the word at address XOR id; any other call writes a word: key, value
HOLDINGS = bytes.fromhex("60003560e01c62fdd58e1460165760243560043555005b600435602435185460005260206000f3")
GAME = Address(b"\x0c" * 20)


def send(value, *, times=1, is_try=False):
    call = Execution(target=SHOP, value=value)
    return lambda stage: Attempt((call,) * times, is_batch=times > 1, is_try=is_try)


def pay(amount, *, times=1):
    return lambda stage: Attempt((transfer(stage.token, amount),) * times, is_batch=times > 1)


def hold(holder, token_id, amount):
    key = bytes(a ^ b for a, b in zip(encode_address(holder), encode_uint(token_id), strict=True))
    return lambda stage: Attempt((Execution(target=GAME, call_data=bytes(4) + key + encode_uint(amount)),))


def game_with(stage, holder, token_id, amount):
    stage.chain.world.set_code(GAME, HOLDINGS)
    stage.chain.world.set_storage(GAME, int.from_bytes(holder, "big") ^ token_id, amount)
    return GAME


CASES = [
    (
        "native, a most fall: the cap passes again and again, one wei more does not",
        lambda s: NativeBalanceChange(enforce_decrease=True, recipient=ALICE, amount_wei=100),
        [
            (send(100), None),
            (send(101), "NativeBalanceChangeEnforcer:exceeded-balance-decrease"),
            (send(50, times=2), None),
            (send(51, times=2), "NativeBalanceChangeEnforcer:exceeded-balance-decrease"),
            (send(100, is_try=True), EXEC),
            (send(0), None),
        ],
    ),
    (
        "native, no fall at all",
        lambda s: NativeBalanceChange(enforce_decrease=True, recipient=ALICE, amount_wei=0),
        [(send(0), None), (send(1), "NativeBalanceChangeEnforcer:exceeded-balance-decrease")],
    ),
    (
        "native, a least rise: exactly it passes, a wei less does not",
        lambda s: NativeBalanceChange(enforce_decrease=False, recipient=SHOP, amount_wei=100),
        [
            (send(99), "NativeBalanceChangeEnforcer:insufficient-balance-increase"),
            (send(100), None),
            (send(50, times=2), None),
            (send(1_000), None),
        ],
    ),
    (
        "native, a most fall of more than there is panics instead of passing",
        lambda s: NativeBalanceChange(enforce_decrease=True, recipient=ALICE, amount_wei=100 * ETHER + 1),
        [(send(0), "Panic(0x11)")],
    ),
    (
        "native, a most fall of all there is passes",
        lambda s: NativeBalanceChange(enforce_decrease=True, recipient=ALICE, amount_wei=100 * ETHER),
        [(send(100 * ETHER), None)],
    ),
    (
        "native, a rise beyond any balance panics",
        lambda s: NativeBalanceChange.unchecked(enforce_decrease=False, recipient=ALICE, amount_wei=2**256 - 1),
        [(send(0), "Panic(0x11)")],
    ),
    (
        "a token, a most fall: to the base unit",
        lambda s: ERC20BalanceChange(enforce_decrease=True, token=s.token, recipient=ALICE, amount=100),
        [
            (pay(100), None),
            (pay(101), "ERC20BalanceChangeEnforcer:exceeded-balance-decrease"),
            (pay(50, times=2), None),
            (pay(51, times=2), "ERC20BalanceChangeEnforcer:exceeded-balance-decrease"),
        ],
    ),
    (
        "a token, a least rise: to the base unit",
        lambda s: ERC20BalanceChange(enforce_decrease=False, token=s.token, recipient=SHOP, amount=100),
        [(pay(99), "ERC20BalanceChangeEnforcer:insufficient-balance-increase"), (pay(100), None)],
    ),
    (
        "a token without code cannot be asked",
        lambda s: ERC20BalanceChange(enforce_decrease=True, token=AGENT, recipient=ALICE, amount=100),
        [(pay(1), "")],
    ),
    (
        "a count of NFTs, a most fall",
        lambda s: ERC721BalanceChange(enforce_decrease=True, token=s.token, recipient=ALICE, amount=2),
        [(pay(2), None), (pay(3), "ERC721BalanceChangeEnforcer:exceeded-balance-decrease")],
    ),
    (
        "a count of NFTs, a least rise",
        lambda s: ERC721BalanceChange(enforce_decrease=False, token=s.token, recipient=SHOP, amount=2),
        [(pay(1), "ERC721BalanceChangeEnforcer:insufficient-balance-increase"), (pay(2), None)],
    ),
    (
        "one id of many, a most fall",
        lambda s: ERC1155BalanceChange(
            enforce_decrease=True, token=game_with(s, ALICE, 7, 50), recipient=ALICE, token_id=7, amount=5
        ),
        [
            (hold(ALICE, 7, 45), None),
            (hold(ALICE, 7, 39), "ERC1155BalanceChangeEnforcer:exceeded-balance-decrease"),
            (hold(ALICE, 8, 0), None),
            (hold(ALICE, 7, 40), None),
        ],
    ),
    (
        "one id of many, a least rise",
        lambda s: ERC1155BalanceChange(
            enforce_decrease=False, token=game_with(s, SHOP, 7, 50), recipient=SHOP, token_id=7, amount=5
        ),
        [
            (hold(SHOP, 7, 54), "ERC1155BalanceChangeEnforcer:insufficient-balance-increase"),
            (hold(SHOP, 8, 55), "ERC1155BalanceChangeEnforcer:insufficient-balance-increase"),
            (hold(SHOP, 7, 55), None),
        ],
    ),
]


@pytest.mark.parametrize(("make", "steps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_bytecode_draws_the_line_where_the_terms_say(make, steps):
    check_steps(make, steps)


def changes_of(stage, cls, *, recipient=ALICE, token_id=7, amount=5, enforce_decrease=True):
    fields = {
        "enforce_decrease": enforce_decrease,
        "recipient": recipient,
        "token": game_with(stage, ALICE, 7, 50) if cls is ERC1155BalanceChange else stage.token,
        "token_id": token_id,
        "amount": amount,
        "amount_wei": amount,
    }
    return cls.unchecked(**{name: fields[name] for name in cls.model_fields})


@pytest.mark.parametrize("cls", CHANGES)
def test_two_with_one_key_in_a_delegation_lock_each_other_out(cls):
    stage = set_stage()
    twice = grant([changes_of(stage, cls, amount=n).to_caveat() for n in (5, 6)])
    locked = f"{cls.ENFORCER}:enforcer-is-locked"
    assert said(attempt_on(stage.chain, twice, send(0)(stage))) == locked
    once = grant([changes_of(stage, cls).to_caveat()])
    assert said(attempt_on(stage.chain, once, send(0)(stage))) is None


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (NativeBalanceChange, "NativeBalanceChangeEnforcer:enforcer-is-locked"),
        (ERC20BalanceChange, "ERC20BalanceChangeEnforcer:enforcer-is-locked"),
        (ERC721BalanceChange, None),
        (ERC1155BalanceChange, None),
    ],
)
def test_whether_the_recipient_is_part_of_the_key(cls, expected):
    stage = set_stage()
    both = [changes_of(stage, cls, recipient=who, amount=0) for who in (ALICE, SHOP)]
    delegation = grant([terms.to_caveat() for terms in both])
    assert said(attempt_on(stage.chain, delegation, send(0)(stage))) == expected
    key = StateKey(stage.chain.manager, hash_delegation(delegation), ALICE)
    assert (len({terms.hash_key(key) for terms in both}) == 1) == (expected is not None)


@pytest.mark.parametrize("cls", CHANGES)
def test_the_state_stands_in_the_slot_the_class_names(cls):
    stage = set_stage()
    terms = changes_of(stage, cls)
    delegation = grant([terms.to_caveat()])
    slot = terms.state_slot(StateKey(stage.chain.manager, hash_delegation(delegation), ALICE))
    assert stage.chain.world.storage(cls.ADDRESS, slot) == 0
    balance = 50 if cls is ERC1155BalanceChange else stage.chain.balance(ALICE, getattr(terms, "token", None))
    assert said(attempt_on(stage.chain, delegation, send(0)(stage))) is None
    assert stage.chain.world.storage(cls.ADDRESS, slot) == balance


@pytest.mark.parametrize("flag", [1, 2, 0x80, 0xFF])
@pytest.mark.parametrize("cls", CHANGES)
def test_any_flag_but_zero_is_a_most_fall(cls, flag):
    stage = set_stage()
    terms = changes_of(stage, cls, amount=0, enforce_decrease=False).encode_terms()
    odd = bytes([flag]) + terms[1:]
    assert cls.decode_terms(odd).enforce_decrease is True
    stranger = Address(b"\x5a" * 20)
    before = hook_call_data("before", odd, Attempt((Execution(target=SHOP),), delegator=ALICE))
    assert stage.chain.send(stranger, cls.ADDRESS, before).success
    if cls is NativeBalanceChange:
        stage.chain.fund(ALICE, 1)
    elif cls is ERC1155BalanceChange:
        game_with(stage, ALICE, 7, 49)
    else:
        assert stage.chain.send(ALICE, stage.token, transfer(stage.token, 1).call_data).success
    attempt = Attempt((Execution(target=SHOP),), delegator=ALICE)
    told = call_hook(stage.chain, cls.ADDRESS, odd, attempt, hook="after", sender=stranger)
    assert told == f"{cls.ENFORCER}:exceeded-balance-decrease"


@pytest.mark.parametrize("cls", CHANGES)
def test_class_and_bytecode_read_terms_of_the_same_lengths(cls):
    stage = set_stage()
    terms = changes_of(stage, cls).encode_terms()
    for length in {0, 1, 20, 32, *range(len(terms) - 21, len(terms) + 34)}:
        cut = terms[:length].ljust(length, b"\0")
        told = call_hook(stage.chain, cls.ADDRESS, cut, Attempt((Execution(target=SHOP),)))
        if length == len(terms):
            assert told is None
            cls.decode_terms(cut)
        else:
            with pytest.raises(TermsError) as refusal:
                cls.decode_terms(cut)
            assert refusal.value.onchain == told == f"{cls.ENFORCER}:invalid-terms-length"


@pytest.mark.parametrize(
    ("cls", "types"),
    [
        (NativeBalanceChange, ["address", "bytes32"]),
        (ERC20BalanceChange, ["address", "address", "bytes32"]),
        (ERC721BalanceChange, ["address", "address", "address", "bytes32"]),
        (ERC1155BalanceChange, ["address", "address", "address", "uint256", "bytes32"]),
    ],
)
def test_the_hash_key_is_the_one_the_contract_gives(cls, types):
    stage = set_stage()
    terms = changes_of(stage, cls)
    given = [stage.chain.manager, *(getattr(terms, name) for name in cls.KEYED_BY), SOME_HASH]
    data = keccak(f"getHashKey({','.join(types)})".encode())[:4] + abi_encode(types, given)
    answer = stage.chain.call(cls.ADDRESS, data)
    assert answer.success
    assert terms.hash_key(StateKey(stage.chain.manager, SOME_HASH, ALICE)) == answer.output


@pytest.mark.parametrize(
    ("cls", "types", "values"),
    [
        (NativeTokenMultiOperationIncreaseBalance, ["address"], {"recipient": ALICE, "amount_wei": 5}),
        (
            ERC20MultiOperationIncreaseBalance,
            ["address", "address"],
            {"token": GAME, "recipient": ALICE, "amount": 5},
        ),
        (
            ERC721MultiOperationIncreaseBalance,
            ["address", "address"],
            {"token": GAME, "recipient": ALICE, "amount": 5},
        ),
        (
            ERC1155MultiOperationIncreaseBalance,
            ["address", "address", "uint256"],
            {"token": GAME, "recipient": ALICE, "token_id": 7, "amount": 5},
        ),
    ],
)
def test_a_rise_over_all_is_keyed_by_its_account_and_never_by_the_delegation(cls, types, values):
    terms = cls(**values)
    keyed = [values[name] for name in ("token", "recipient", "token_id") if name in values]
    key = StateKey(SHOP, SOME_HASH, ALICE)
    expected = keccak(abi_encode(["address", *types], [SHOP, *keyed]))
    assert terms.hash_key(key) == terms.hash_key(StateKey(SHOP, bytes(32), AGENT)) == expected
    assert terms.state_slot(key) == int.from_bytes(keccak(expected + bytes(32)), "big")
