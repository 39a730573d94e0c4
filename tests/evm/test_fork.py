"""A chain forked from a live one: the same verdicts as the chain itself gives, on one block, whatever comes later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caveats import AllowedTargets, LimitedCalls, Timestamp
from caveats.errors import EncodingError, EngineError, TransportError, UnsupportedError
from caveats.types import Address, keccak
from delegations.evm import Capability, LocalChain, make_engine
from delegations.evm.anvil import AnvilEngine
from delegations.evm.blocks import BlocksEngine
from delegations.evm.chain import official_code
from delegations.evm.engine import Transaction
from delegations.evm.fork import open_fork
from delegations.evm.forked import ForkedWorld
from delegations.evm.node import NodeEngine
from delegations.evm.pyevm import PyEvmEngine
from delegations.evm.stand_ins import STAND_INS
from delegations.evm.wire import to_data, to_word
from delegations.framework.constants import DELEGATION_MANAGER, EIP7702_STATELESS_DELEGATOR
from delegations.simulation import execute, remaining, simulate, simulate_many, what_if
from delegations.simulation.simulate import redeem_transaction
from tests.enforcers.harness import AGENT, ALICE, CHAIN_ID, SHOP, START_AT, grant
from tests.evm.fork_node import LIMIT, Clock, Fault, Live, Relay, error, of_method

each_engine = pytest.mark.parametrize("engine", [PyEvmEngine(), BlocksEngine()], ids=lambda engine: engine.name)
STOPS = b"\0"
NOBODY = Address(b"\x41" * 20)
READS = ("eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_getStorageAt")


def by_number(relay: Relay) -> None:
    """Make the node one that overlooks block hashes."""

    def deaf(body):
        return {"error": {"code": -32602, "message": "invalid argument: hex string expected"}}

    def apply(asked, answers):
        return [
            {"id": body["id"], **deaf(body)}
            if any(isinstance(p, dict) and "blockHash" in p for p in body["params"])
            else answer
            for body, answer in zip(asked, answers, strict=True)
        ]

    relay.stays = Fault(apply)


# the block


def test_the_newest_block_is_looked_up_once_and_kept_to(live, relay):
    chain = LocalChain.fork(relay.url)
    newest = live.block("latest")
    with live.undone():
        live.mine(redeem_transaction(chain, [live.redemption(100)], AGENT))
        assert chain.balance(SHOP, live.stage.token) == 1
        assert LocalChain.fork(relay.url).balance(SHOP, live.stage.token) == 101
    assert chain.world.node.pin.hash == bytes.fromhex(newest["hash"][2:])
    assert relay.methods().count("eth_getBlockByNumber") == 2


@pytest.mark.parametrize("by", ["number", "hash"])
def test_an_older_block_is_given_by_number_or_hash(live, relay, by):
    digest = bytes.fromhex(live.block(live.tip - 2)["hash"][2:])
    before = LocalChain.fork(relay.url, live.tip - 2 if by == "number" else digest)
    after = LocalChain.fork(relay.url, live.tip)
    assert before.balance(SHOP, live.stage.token) == 0
    assert after.balance(SHOP, live.stage.token) == 1
    assert before.block_number == live.tip - 1


@pytest.mark.parametrize("block", [-1, 2**64, b"\x01", b"\x01" * 33])
def test_what_is_no_block_is_refused(relay, block):
    with pytest.raises(EncodingError, match="block: expected a number"):
        LocalChain.fork(relay.url, block)


def test_the_next_block_comes_after_the_pinned_one_with_its_surroundings(live):
    chain = LocalChain.fork(live.client, live.tip)
    pinned = live.block(live.tip)
    assert (chain.chain_id, chain.block_number) == (CHAIN_ID, live.tip + 1)
    assert chain.timestamp == int(pinned["timestamp"], 16) + 1
    assert chain.block.prevrandao == bytes.fromhex(pinned["mixHash"][2:])
    assert chain.block.gas_limit == int(pinned["gasLimit"], 16)
    chain.advance(10)
    assert chain.copy().block == chain.block
    assert chain.block.prevrandao == bytes.fromhex(pinned["mixHash"][2:])


def test_contracts_see_number_time_and_surroundings_as_in_anvils_next_block(live):
    # NUMBER TIMESTAMP GASLIMIT COINBASE CHAINID BASEFEE, a word each
    opcodes = (0x43, 0x42, 0x45, 0x41, 0x46, 0x48)
    code = b"".join(bytes([op, 0x60, 32 * i, 0x52]) for i, op in enumerate(opcodes)) + bytes.fromhex("60c05ff3")
    chain = LocalChain.fork(live.client, live.tip)
    chain.world.set_code(NOBODY, code)
    with live.undone():
        live.call("anvil_setCode", to_data(NOBODY), to_data(code))
        live.call("evm_setNextBlockTimestamp", hex(chain.timestamp))
        live.call("evm_mine")
        there = live.call("eth_call", {"to": to_data(NOBODY)}, "latest")
    assert to_data(chain.call(NOBODY).output) == there


def test_the_hashes_of_earlier_blocks_are_the_chains_own(live, relay):
    # BLOCKHASH of the number in the calldata
    code = bytes.fromhex("5f35405f5260205ff3")
    chain = LocalChain.fork(relay.url, live.tip)
    chain.world.set_code(NOBODY, code)
    for number in (live.tip, live.tip - 1, 0):
        hashed = chain.call(NOBODY, number.to_bytes(32, "big")).output
        assert to_data(hashed) == live.block(number)["hash"]
    for number in (live.tip + 1, 2**255):
        assert chain.call(NOBODY, number.to_bytes(32, "big")).output == bytes(32)
    chain.advance(300)
    chain.block_number += 300
    assert chain.call(NOBODY, live.tip.to_bytes(32, "big")).output == bytes(32)
    chain.block_number = live.tip + 1
    assert NodeEngine(live.client).world().block_hash(live.tip) == chain.world.block_hash(live.tip)


# the verdicts


@each_engine
@pytest.mark.parametrize("amount", [5, 10**31], ids=["allowed", "denied"])
def test_a_transaction_on_the_fork_does_what_it_does_on_the_chain(live, engine, amount):
    chain = LocalChain.fork(live.client, live.tip, engine=engine)
    transaction = redeem_transaction(chain, [live.redemption(amount)], AGENT)
    outcome = chain.engine.execute(chain.world, chain.block, transaction)
    with live.undone():
        receipt = live.mine(transaction, chain.timestamp)
    assert (outcome.success, outcome.gas_used) == (bool(int(receipt["status"], 16)), int(receipt["gasUsed"], 16))
    assert outcome.success == (amount == 5)
    assert [(to_data(log.address), to_data(log.data)) for log in outcome.logs] == [
        (log["address"], log["data"]) for log in receipt["logs"]
    ]


@each_engine
def test_the_fork_knows_what_was_used_up_before_it(live, engine):
    chain = LocalChain.fork(live.client, live.tip, engine=engine)
    assert remaining(chain, live.used).calls_left == LIMIT - 1
    assert [execute(chain, live.redemption(1)).verdict.allowed for _ in range(LIMIT)] == [True] * (LIMIT - 1) + [False]
    assert remaining(chain, live.used).calls_left == 0
    assert simulate(chain, live.redemption(1)).denial.reason == "LimitedCallsEnforcer:limit-exceeded"


@each_engine
@pytest.mark.parametrize(
    "make",
    [
        lambda stage: LimitedCalls(limit=1),
        lambda stage: AllowedTargets(targets=(stage.token,)),
        lambda stage: AllowedTargets(targets=(SHOP,)),
        lambda stage: Timestamp(before_at=START_AT),
        lambda stage: Timestamp(after_at=START_AT),
    ],
)
def test_verdict_and_gas_are_those_of_a_local_chain_in_the_same_state(live, engine, make):
    chain = LocalChain.fork(live.client, live.tip, engine=engine)
    local = live.stage.chain.copy()
    local.timestamp, local.block_number = START_AT, 1
    assert execute(local, live.redemption(1)).verdict.allowed
    local.timestamp, local.block_number = chain.timestamp, chain.block_number
    redemption = live.redemption(2, grant([make(live.stage).to_caveat()]))
    assert simulate(chain, redemption) == simulate(local, redemption)


def test_both_embedded_engines_and_the_node_itself_give_one_verdict(live):
    verdicts = [
        simulate(LocalChain.fork(live.client, live.tip, engine=engine), live.redemption(5))
        for engine in (PyEvmEngine(), BlocksEngine(), "pyevm", "node")
    ]
    assert verdicts[0].allowed
    assert [verdict == verdicts[0] for verdict in verdicts] == [True] * 4


def test_many_candidates_share_one_fork(live, relay):
    chain = LocalChain.fork(relay.url, live.tip)
    sweep = simulate_many(chain, [live.redemption(amount) for amount in [1] * 20 + [10**31]], workers=2)
    assert [verdict.allowed for verdict in sweep.verdicts()] == [True] * 20 + [False]


def test_a_fork_takes_no_engine_that_holds_its_own_state(live):
    with pytest.raises(EncodingError, match='expected "pyevm" or "node", got both'):
        LocalChain.fork(live.client, engine="both")
    with AnvilEngine() as engine:
        chain = LocalChain.fork(live.client, live.tip, engine=engine)
        with pytest.raises(UnsupportedError, match="cannot hold a world whose rest lies on a node"):
            simulate(chain, live.redemption(1))
    with pytest.raises(UnsupportedError, match="expected a world that lies on this node"):
        LocalChain(CHAIN_ID, engine=NodeEngine(live.client), world=chain.world).call(SHOP)


def test_the_node_as_engine_takes_no_hash_no_cache_and_no_patience(live, tmp_path):
    assert LocalChain.fork(live.client, live.tip, engine="node").block_number == live.tip + 1
    for more in ({"block": bytes(32)}, {"cache_dir": tmp_path}, {"patience": Clock().patience()}):
        with pytest.raises(EncodingError, match='engine "node" takes a block number, no cache and no patience'):
            LocalChain.fork(live.client, engine="node", **more)
    with pytest.raises(EncodingError, match="the engine already has one"):
        LocalChain.fork(NodeEngine(live.client), live.tip)


# here and there


def test_what_is_written_here_stays_here_and_is_undone(live, relay):
    chain = LocalChain.fork(relay.url, live.tip)
    mark = chain.snapshot()
    assert execute(chain, live.redemption(5)).verdict.allowed
    other, twin = LocalChain.fork(relay.url, live.tip), chain.copy()
    twin.world.set_storage(live.stage.token, 5, 0)
    assert [c.balance(SHOP, live.stage.token) for c in (chain, other)] == [6, 1]
    chain.revert(mark)
    assert chain.balance(SHOP, live.stage.token) == 1
    assert twin.balance(SHOP, live.stage.token) == 6


def test_copies_share_what_was_read(live, relay):
    chain = LocalChain.fork(relay.url, live.tip)
    simulate(chain, live.redemption(5))
    relay.asked.clear()
    assert simulate(what_if(chain, balances={ALICE: 0}), live.redemption(5)).allowed
    assert simulate(chain.copy(), live.redemption(5)).allowed
    assert relay.asked == []


def test_what_is_written_here_is_not_asked_for(live, relay):
    chain = LocalChain.fork(relay.url, live.tip)
    chain.world.set_storage(live.stage.token, 99, 7)
    relay.asked.clear()
    assert chain.world.storage(live.stage.token, 99) == 7
    assert relay.asked == []


# few requests


def test_a_first_verdict_takes_five_requests_and_the_next_none(live, relay):
    chain = LocalChain.fork(relay.url, live.tip)
    assert len(relay.asked) == 1
    assert simulate(chain, live.redemption(5)).allowed
    assert len(relay.asked) == 5
    assert simulate(chain, live.redemption(6)).allowed
    assert len(relay.asked) == 5


@pytest.mark.parametrize("deaf_to", [["eth_createAccessList"], ["eth_createAccessList", "debug_traceCall"]])
def test_without_hints_the_rest_is_read_when_needed(live, relay, deaf_to):
    expected = simulate(LocalChain.fork(live.client, live.tip), live.redemption(5))
    missing = {"error": {"code": -32601, "message": "the method does not exist"}}

    def apply(asked, answers):
        return [
            {"id": body["id"], **missing} if body["method"] in deaf_to else answer
            for body, answer in zip(asked, answers, strict=True)
        ]

    relay.stays = Fault(apply)
    chain = LocalChain.fork(relay.url, live.tip)
    assert simulate(chain, live.redemption(5)) == expected
    assert simulate(chain, live.redemption(5, grant([Timestamp(after_at=1).to_caveat()]))).allowed
    assert [relay.methods().count(method) for method in deaf_to] == [1] * len(deaf_to)
    assert len(relay.asked) < 30


@pytest.mark.parametrize("hint", [{}, {"accessList": [{"address": "0x00"}]}, 7, {"accessList": [3], "x": 4}])
def test_a_wrong_hint_changes_nothing(live, relay, hint):
    expected = simulate(LocalChain.fork(live.client, live.tip), live.redemption(5))
    relay.stays = of_method("eth_createAccessList", lambda body: hint)
    assert simulate(LocalChain.fork(relay.url, live.tip), live.redemption(5)) == expected


def test_a_hint_of_everything_is_cut_short(live, relay):
    entry = {"address": to_data(live.stage.token), "storageKeys": [to_word(slot) for slot in range(1_500)]}
    relay.stays = of_method("eth_createAccessList", lambda body: {"accessList": [entry] * 50})
    assert simulate(LocalChain.fork(relay.url, live.tip), live.redemption(5)).allowed
    assert relay.methods().count("eth_getStorageAt") < 1_600


# the block by its hash, or by its number


def test_every_read_names_the_blocks_hash(live, relay):
    chain = LocalChain.fork(relay.url, live.tip)
    simulate(chain, live.redemption(5))
    assert chain.world.node.by_hash
    named = [body["params"][-1] for bodies in relay.asked[2:] for body in bodies if body["method"] in READS]
    assert named
    assert all(name == {"blockHash": str(chain.world.node.pin.hash), "requireCanonical": True} for name in named)


def test_a_node_that_takes_no_hashes_is_asked_by_number_and_the_number_is_checked(live, relay):
    expected = simulate(LocalChain.fork(live.client, live.tip), live.redemption(5))
    by_number(relay)
    chain = LocalChain.fork(relay.url, live.tip)
    assert simulate(chain, live.redemption(5)) == expected
    assert not chain.world.node.by_hash
    loads = [index for index, bodies in enumerate(relay.asked) if index > 1 and bodies[0]["method"] in READS]
    assert loads
    assert all(relay.asked[index + 1][0]["method"] == "eth_getBlockByNumber" for index in loads)


def test_a_node_that_answers_for_a_hash_of_no_block_is_not_trusted_with_hashes(live, relay):
    relay.stays = of_method("eth_getBalance", lambda body: "0x5")
    assert not open_fork(relay.url, live.tip).by_hash
    assert open_fork(live.client, live.tip).by_hash


def test_a_reorganisation_is_an_error_and_never_a_mix_of_two_blocks():
    live = Live()
    relays = [Relay(live), Relay(live)]
    by_number(relays[1])
    hashed, numbered = (LocalChain.fork(relay.url, live.tip, patience=Clock().patience()) for relay in relays)
    try:
        assert hashed.world.balance(ALICE) == numbered.world.balance(ALICE) > 0
        live.call("anvil_rollback", 1)
        live.call("evm_increaseTime", 777)
        live.call("evm_mine")
        assert live.block("latest")["number"] == hex(live.tip)
        with pytest.raises(EngineError, match=r"state of block \d+: expected the block 0x.*reorganised: fork again"):
            numbered.world.balance(SHOP)
        with pytest.raises(EngineError, match=r"could not ask .*: eth_get.* \(that block is not, or no longer, on its"):
            hashed.world.balance(SHOP)
        assert hashed.world.balance(ALICE) == numbered.world.balance(ALICE) > 0
    finally:
        for relay in relays:
            relay.close()
        live.close()


def test_a_hash_that_is_not_on_the_chain_is_an_error(live, relay):
    chain = LocalChain.fork(relay.url, live.tip, patience=Clock().patience())
    assert chain.world.balance(ALICE)
    relay.stays = error(-32000, "hash 0x12 is not currently canonical")
    with pytest.raises(EngineError, match=r"not currently canonical .*fork again"):
        chain.world.balance(SHOP)


# whose code


def the_warning(chain: LocalChain, name: str, address: Address) -> str:
    code = chain.world.code(address)
    got = to_data(keccak(code)) if code else "no code"
    return (
        f"not canonical: {name} at {address} is not the code of framework 1.3.0 on chain {CHAIN_ID}:"
        f" expected {to_data(keccak(official_code(CHAIN_ID, address)))}, got {got}"
    )


def test_the_code_of_a_fork_is_the_chains_own_and_no_stand_in(live):
    chain = LocalChain.fork(live.client, live.tip)
    with live.undone():
        for address in STAND_INS:
            live.call("anvil_setCode", to_data(address), "0x")
        live.call("evm_mine")
        bare = LocalChain.fork(live.client)
        assert not any(bare.world.code(address) for address in STAND_INS)
    assert simulate(chain, live.redemption(5)).warnings == ()


@each_engine
def test_an_enforcer_that_is_not_the_official_one_is_named_in_the_verdict(live, engine):
    with live.undone():
        live.call("anvil_setCode", to_data(LimitedCalls.ADDRESS), to_data(STOPS))
        live.call("evm_mine")
        chain = LocalChain.fork(live.client, engine=engine)
        verdict = simulate(chain, live.redemption(5))
        assert verdict.allowed
        assert verdict.warnings == (the_warning(chain, "LimitedCallsEnforcer", LimitedCalls.ADDRESS),)
        assert execute(chain, live.redemption(5)).verdict.warnings == verdict.warnings


def test_manager_and_account_code_are_looked_at_as_well(live):
    with live.undone():
        for address in (DELEGATION_MANAGER, EIP7702_STATELESS_DELEGATOR):
            code = official_code(CHAIN_ID, address)
            live.call("anvil_setCode", to_data(address), to_data(code + b"\xfe"))
        live.call("evm_mine")
        chain = LocalChain.fork(live.client)
        verdict = simulate(chain, live.redemption(5))
    assert verdict.warnings == (
        the_warning(chain, "DelegationManager", DELEGATION_MANAGER),
        the_warning(chain, "EIP7702StatelessDeleGator", EIP7702_STATELESS_DELEGATOR),
    )


@pytest.mark.parametrize("amount", [5, 10**31], ids=["allowed", "denied"])
def test_a_node_that_tells_no_calls_is_warned_of_as_well(live, amount):
    with live.undone():
        live.call("anvil_setCode", to_data(LimitedCalls.ADDRESS), to_data(STOPS))
        live.call("evm_mine")
        node = NodeEngine(live.client)
        node.methods, node.capabilities = frozenset({"eth_simulateV1"}), frozenset({Capability.GAS, Capability.LOGS})
        chain = LocalChain.fork(node, engine="node")
        verdict = simulate(chain, live.redemption(amount))
    assert verdict.allowed == (amount == 5)
    assert verdict.warnings[0].startswith("not canonical: LimitedCallsEnforcer at")


def test_a_denial_names_the_enforcers_that_were_never_reached(live):
    caveats = [AllowedTargets(targets=(SHOP,)).to_caveat(), LimitedCalls(limit=1).to_caveat()]
    with live.undone():
        live.call("anvil_setCode", to_data(LimitedCalls.ADDRESS), "0x")
        live.call("evm_mine")
        chain = LocalChain.fork(live.client)
        verdict = simulate(chain, live.redemption(5, grant(caveats)))
    assert not verdict.allowed
    assert verdict.warnings == (the_warning(chain, "LimitedCallsEnforcer", LimitedCalls.ADDRESS),)


def test_official_code_is_known_per_chain_where_it_is_bundled():
    on_one, on_ten = official_code(1, DELEGATION_MANAGER), official_code(10, DELEGATION_MANAGER)
    assert on_one == LocalChain(1).world.code(DELEGATION_MANAGER)
    assert on_one != on_ten, "its domain separator holds the chain id"
    assert official_code(1, next(iter(STAND_INS))) is None
    assert official_code(1, NOBODY) is None


def test_a_local_chain_warns_of_altered_code_as_well(live):
    altered = what_if(live.stage.chain, code={LimitedCalls.ADDRESS: STOPS})
    assert simulate(live.stage.chain, live.redemption(5)).warnings == ()
    assert len(simulate(altered, live.redemption(5)).warnings) == 1


# an unforked chain


def test_other_worlds_are_left_alone(live):
    chain = live.stage.chain
    assert not isinstance(chain.world, ForkedWorld)
    assert chain.block == replace(chain.block, prevrandao=bytes(32))
    assert make_engine("pyevm").execute(chain.world, chain.block, Transaction(AGENT, SHOP, gas=50_000)).success


def test_a_stranger_to_the_chain_is_no_transport_error_but_an_empty_account(live):
    chain = LocalChain.fork(live.client, live.tip)
    assert chain.world.account(NOBODY) is None
    with pytest.raises(TransportError):
        LocalChain.fork("http://127.0.0.1:9", patience=Clock().patience(attempts=1))
