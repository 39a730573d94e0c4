"""What the manager and the accounts do: signatures, chains, modes, batches, revocation, nesting, gas."""

from __future__ import annotations

from collections.abc import Iterator

from caveats import AllowedTargets, Caveat, ERC20TransferAmount, Execution, LimitedCalls, NativeTokenTransferAmount
from caveats.abi import encode_address, encode_uint
from caveats.types import Address, keccak
from delegations.delegation import ANY_DELEGATE, Delegation, encode_delegation
from delegations.framework.constants import EIP7702_STATELESS_DELEGATOR
from delegations.redemption import Redemption, encode_redeem_delegations, redeem
from tests.differential.scene import BOB, DISABLE, ENABLE, HELPER, NOTHING, Ask, Scene, Table
from tests.enforcers.harness import AGENT, ALICE, SHOP

FRAMEWORK = Table()
Asks = Iterator[Ask]
LIMIT = "hook LimitedCallsEnforcer:limit-exceeded"
TARGETS = "hook AllowedTargetsEnforcer:target-address-not-allowed"

# signatures


def _signature(name: str, expect: str, signature: bytes | None = None, signer: Address | None = None) -> None:
    for where in ("root", "leaf"):

        def script(s: Scene, where: str = where) -> Asks:
            top = s.root(LimitedCalls(limit=5))
            leaf = s.child(top, HELPER)
            chosen = top if where == "root" else leaf
            wrong = s.sign(chosen.with_signature(b""), signer) if signer else chosen.with_signature(signature or b"")
            context = [leaf, wrong] if where == "root" else [wrong, top]
            said = expect.replace("Invalid*", "InvalidERC1271" if where == "root" else "InvalidEOA")
            yield s.ask([leaf, top], redeemer=HELPER)
            yield s.ask(context, NOTHING, said, redeemer=HELPER)

        FRAMEWORK.add(f"{name} on the {where}", script)


_signature("another key's signature", "signature Invalid*Signature()", signer=BOB)
_signature("an empty signature", "signature ECDSAInvalidSignatureLength(uint256)")
_signature("a signature of 64 bytes", "signature ECDSAInvalidSignatureLength(uint256)", bytes(64))
_signature("a signature of 66 bytes", "signature ECDSAInvalidSignatureLength(uint256)", bytes(66))
_signature("a signature of zeroes", "signature ECDSAInvalidSignature()", bytes(65))
_signature("a high s", "signature ECDSAInvalidSignatureS(bytes32)", bytes(32) + b"\xff" * 32 + b"\x1b")


@FRAMEWORK
def a_signature_with_v_0_where_27_is_meant(s: Scene) -> Asks:
    good = s.root(LimitedCalls(limit=1))
    v = bytes([good.signature[64] - 27])
    yield s.ask(good.with_signature(good.signature[:64] + v), NOTHING, "signature ECDSAInvalidSignature()")
    yield s.ask(good)


@FRAMEWORK
def a_signature_for_another_chain(s: Scene) -> Asks:
    good = s.root(LimitedCalls(limit=1))
    yield s.ask(s.sign(good, chain_id=10), NOTHING, "signature InvalidERC1271Signature()")
    yield s.ask(good)


@FRAMEWORK
def terms_changed_after_signing(s: Scene) -> Asks:
    good = s.root(LimitedCalls(limit=1))
    looser = good.model_copy(update={"caveats": (LimitedCalls(limit=9).to_caveat(),)})
    yield s.ask(looser, NOTHING, "signature InvalidERC1271Signature()")


@FRAMEWORK
def args_changed_after_signing(s: Scene) -> Asks:
    good = s.root(LimitedCalls(limit=1))
    yield s.ask(good.with_args({0: b"anything"}))


# chains


@FRAMEWORK
def a_stranger_redeems(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=2))
    yield s.ask(grant, NOTHING, "manager InvalidDelegate()", redeemer=SHOP)
    yield s.ask(grant)


@FRAMEWORK
def anyone_redeems_an_open_delegation(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=2), to=ANY_DELEGATE)
    yield s.ask(grant, redeemer=SHOP)
    yield s.ask(grant, redeemer=AGENT)
    yield s.ask(grant, NOTHING, LIMIT, redeemer=HELPER)


@FRAMEWORK
def anyone_passes_an_open_delegation_on(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=9), to=ANY_DELEGATE)
    leaf = s.child(top, SHOP, AllowedTargets(targets=(SHOP,)), by=HELPER)
    yield s.ask([leaf, top], redeemer=SHOP)
    yield s.ask([leaf, top], Execution(target=BOB), TARGETS, redeemer=SHOP)


@FRAMEWORK
def the_zero_address_can_never_redeem(s: Scene) -> Asks:
    unsigned = Delegation(delegate=Address(bytes(20)), delegator=ALICE, caveats=(), salt=77)
    yield s.ask(s.sign(unsigned), NOTHING, "manager InvalidDelegate()")


@FRAMEWORK
def a_delegation_to_oneself(s: Scene) -> Asks:
    yield s.ask(s.root(LimitedCalls(limit=1), to=ALICE), redeemer=ALICE)


@FRAMEWORK
def a_leaf_without_its_root(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=1))
    yield s.ask(s.child(top, HELPER), NOTHING, "manager InvalidAuthority()", redeemer=HELPER)


@FRAMEWORK
def a_chain_the_wrong_way_round(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=1), to=HELPER)
    leaf = s.child(top, HELPER)
    yield s.ask([top, leaf], NOTHING, "manager InvalidAuthority()", redeemer=HELPER)


@FRAMEWORK
def two_roots_as_a_chain(s: Scene) -> Asks:
    yield s.ask([s.root(), s.root(to=ALICE)], NOTHING, "manager InvalidAuthority()")


@FRAMEWORK
def a_link_by_somebody_who_was_not_given_it(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=1))
    unsigned = Delegation(delegate=SHOP, delegator=HELPER, authority=top.hash, caveats=(), salt=3)
    yield s.ask([s.sign(unsigned), top], NOTHING, "manager InvalidDelegate()", redeemer=SHOP)


@FRAMEWORK
def a_child_looser_than_its_parent_changes_nothing(s: Scene) -> Asks:
    top = s.root(NativeTokenTransferAmount(max_amount_wei=1))
    leaf = s.child(top, HELPER, NativeTokenTransferAmount(max_amount_wei=100))
    exceeded = "hook NativeTokenTransferAmountEnforcer:allowance-exceeded"
    yield s.ask([leaf, top], Execution(target=SHOP, value=2), exceeded, redeemer=HELPER)
    yield s.ask([leaf, top], Execution(target=SHOP, value=1), redeemer=HELPER)


@FRAMEWORK
def children_share_their_parents_counter(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=2))
    one, two = s.child(top, HELPER, LimitedCalls(limit=1)), s.child(top, SHOP, LimitedCalls(limit=9))
    yield s.ask([one, top], redeemer=HELPER)
    yield s.ask([one, top], NOTHING, LIMIT, redeemer=HELPER)
    yield s.ask([two, top], redeemer=SHOP)
    yield s.ask([two, top], NOTHING, LIMIT, redeemer=SHOP)


def _links(depth: int, refusing: int | None) -> None:
    def script(s: Scene) -> Asks:
        people = [HELPER, BOB, AGENT]
        links = [s.root(LimitedCalls(limit=9))]
        for level in range(1, depth):
            caveats = [AllowedTargets(targets=(ALICE,))] if level == refusing else [LimitedCalls(limit=9)]
            links.insert(0, s.child(links[0], people[(level - 1) % 3], *caveats))
        expect = "allowed" if refusing is None else TARGETS
        yield s.ask(links, NOTHING, expect, redeemer=links[0].delegate)

    FRAMEWORK.add(f"{depth} links, {'all agree' if refusing is None else f'number {refusing} refuses'}", script)


for _depth, _refusing in ((2, None), (3, None), (3, 1), (3, 2), (5, None), (5, 3), (12, None), (12, 11)):
    _links(_depth, _refusing)


@FRAMEWORK
def a_contract_account_in_the_middle(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=5), to=BOB)
    leaf = s.child(top, AGENT, LimitedCalls(limit=1))
    yield s.ask([leaf, top], s.pay(3))
    yield s.ask([leaf, top], s.pay(3), LIMIT)


@FRAMEWORK
def a_contract_account_as_the_redeemer(s: Scene) -> Asks:
    yield s.ask(s.root(LimitedCalls(limit=1), to=BOB), s.pay(3), redeemer=BOB)


@FRAMEWORK
def a_plain_account_as_the_root(s: Scene) -> Asks:
    yield s.ask(s.root(LimitedCalls(limit=1), by=HELPER), NOTHING, "execution ")


@FRAMEWORK
def an_account_whose_code_is_no_account(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=1))
    s.chain.world.set_code(ALICE, s.chain.world.code(s.target))
    yield s.ask(grant, NOTHING, "signature ")


@FRAMEWORK
def an_account_that_answers_anything_with_three(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=1))
    s.chain.world.set_code(ALICE, bytes.fromhex("60035f5260205ff3"))
    # neither a magic value nor four bytes and zeroes, so it cannot even be decoded
    yield s.ask(grant, NOTHING, "signature ")


@FRAMEWORK
def an_account_delegated_to_nothing(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=1))
    s.chain.world.set_code(ALICE, bytes.fromhex("ef0100") + b"\x99" * 20)
    yield s.ask(grant, NOTHING, "signature ")


# disabling, pausing


@FRAMEWORK
def disabled_and_enabled_again(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=9))
    leaf = s.child(top, HELPER)
    yield s.disable(top)
    yield s.disable(top, "revert AlreadyDisabled()")
    yield s.ask(top, NOTHING, "manager CannotUseADisabledDelegation()")
    yield s.ask([leaf, top], NOTHING, "manager CannotUseADisabledDelegation()", redeemer=HELPER)
    yield s.raw(ENABLE + encode_delegation(top), sender=ALICE)
    yield s.raw(ENABLE + encode_delegation(top), "revert AlreadyEnabled()", sender=ALICE)
    yield s.ask([leaf, top], redeemer=HELPER)


@FRAMEWORK
def the_middle_of_three_is_disabled(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=9))
    middle = s.child(top, HELPER)
    leaf = s.child(middle, SHOP)
    yield s.disable(middle)
    yield s.ask([leaf, middle, top], NOTHING, "manager CannotUseADisabledDelegation()", redeemer=SHOP)
    yield s.ask(top)


@FRAMEWORK
def only_the_delegator_disables(s: Scene) -> Asks:
    top = s.root(LimitedCalls(limit=9))
    yield s.disable(top, "revert InvalidDelegator()", sender=AGENT)
    yield s.ask(top)


@FRAMEWORK
def a_paused_manager(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=1))
    s.chain.world.set_storage(s.chain.manager, 1, 1 << 160)
    yield s.ask(grant, NOTHING, "manager EnforcedPause()")
    yield s.disable(grant)


@FRAMEWORK
def pausing_is_the_owners(s: Scene) -> Asks:
    owner = Address(s.chain.world.storage(s.chain.manager, 0).to_bytes(20, "big"))
    grant = s.root(LimitedCalls(limit=9))
    pause, unpause = (keccak(name)[:4] for name in (b"pause()", b"unpause()"))
    yield s.raw(pause, "revert OwnableUnauthorizedAccount(address)", sender=ALICE)
    yield s.raw(pause, sender=owner)
    yield s.raw(pause, "revert EnforcedPause()", sender=owner)
    yield s.ask(grant, NOTHING, "manager EnforcedPause()")
    yield s.raw(unpause, sender=owner)
    yield s.raw(unpause, "revert ExpectedPause()", sender=owner)
    yield s.ask(grant)


# self-authorised contexts, several contexts, nesting


@FRAMEWORK
def an_empty_context_acts_for_the_caller(s: Scene) -> Asks:
    own = Redemption(context=(), executions=(Execution(target=SHOP, value=3),))
    yield s.ask_all([own], redeemer=ALICE)
    yield s.ask_all([own, redeem(s.root(LimitedCalls(limit=1), by=BOB, to=ALICE), s.pay(1))], redeemer=ALICE)
    yield s.ask_all([own], "execution ", redeemer=AGENT)


@FRAMEWORK
def two_contexts_of_two_delegators(s: Scene) -> Asks:
    one, two = s.root(LimitedCalls(limit=1)), s.root(LimitedCalls(limit=1), by=BOB)
    yield s.ask_all([redeem(one, s.pay(1)), redeem(two, s.pay(2))])
    yield s.ask_all([redeem(one, s.pay(1)), redeem(two, s.pay(2))], LIMIT)


@FRAMEWORK
def the_second_context_undoes_the_first(s: Scene) -> Asks:
    good, bad = s.root(LimitedCalls(limit=1)), s.root(AllowedTargets(targets=(ALICE,)))
    yield s.ask_all([redeem(good, s.pay(1)), redeem(bad, NOTHING)], TARGETS)
    yield s.ask(good, s.pay(1))


@FRAMEWORK
def the_same_delegation_twice_in_one_call(s: Scene) -> Asks:
    grant = s.root(LimitedCalls(limit=2))
    yield s.ask_all([redeem(grant, NOTHING), redeem(grant, NOTHING)])
    yield s.ask(grant, NOTHING, LIMIT)


@FRAMEWORK
def the_first_context_disables_the_second_too_late(s: Scene) -> Asks:
    one, two = s.root(), s.root(LimitedCalls(limit=9))
    disable = Execution(target=s.chain.manager, call_data=DISABLE + encode_delegation(two))
    yield s.ask_all([redeem(one, disable), redeem(two, s.pay(1))])
    yield s.ask(two, NOTHING, "manager CannotUseADisabledDelegation()")


@FRAMEWORK
def a_redemption_within_a_redemption(s: Scene) -> Asks:
    inner = redeem(s.root(LimitedCalls(limit=1), by=BOB, to=ALICE), Execution(target=SHOP, value=9))
    nested = Execution(target=s.chain.manager, call_data=encode_redeem_delegations([inner]))
    grant = s.root(LimitedCalls(limit=9))
    yield s.ask(grant, nested)
    yield s.ask(grant, nested, "execution LimitedCallsEnforcer:limit-exceeded")


# enforcers that are none, accounts called directly


@FRAMEWORK
def an_enforcer_without_code(s: Scene) -> Asks:
    yield s.ask(s.root(Caveat(enforcer=Address(b"\x77" * 20), terms=b"\x01")), NOTHING, "hook ")


@FRAMEWORK
def an_enforcer_that_lets_everything_pass(s: Scene) -> Asks:
    s.chain.world.set_code(Address(b"\x76" * 20), b"\x00")
    yield s.ask(s.root(Caveat(enforcer=Address(b"\x76" * 20), terms=b"\x01")))


@FRAMEWORK
def an_enforcer_that_burns_all_gas(s: Scene) -> Asks:
    s.chain.world.set_code(Address(b"\x75" * 20), b"\xfe")
    yield s.ask(s.root(Caveat(enforcer=Address(b"\x75" * 20), terms=b"")), NOTHING, "hook ", gas=500_000)


@FRAMEWORK
def accounts_called_by_the_wrong_caller(s: Scene) -> Asks:
    execute = keccak(b"execute((address,uint256,bytes))")[:4]
    blob = execute + encode_uint(32) + encode_address(SHOP) + encode_uint(1) + encode_uint(96) + encode_uint(0)
    yield s.raw(blob, sender=ALICE, to=ALICE)
    yield s.raw(blob, "revert NotEntryPointOrSelf()", sender=AGENT, to=ALICE)
    yield s.raw(blob, "revert NotEntryPointOrSelf()", sender=AGENT, to=EIP7702_STATELESS_DELEGATOR)
    from_executor = keccak(b"executeFromExecutor(bytes32,bytes)")[:4] + bytes(32) + encode_uint(64) + encode_uint(0)
    yield s.raw(from_executor, "revert NotDelegationManager()", sender=AGENT, to=ALICE)


@FRAMEWORK
def plain_transfers_of_value(s: Scene) -> Asks:
    s.chain.fund(AGENT, 10)
    yield s.raw(b"", to=SHOP, value=4)
    yield s.raw(b"", to=ALICE, value=1)
    yield s.raw(b"hello", to=Address(b"\x31" * 20), value=1)
    yield s.raw(b"", "cannot enter", to=SHOP, value=5)
    yield s.raw(b"", "cannot enter", to=SHOP, gas=20_999)
    yield s.raw(b"\xff" * 1000, "cannot enter", to=SHOP, gas=37_000)
    yield s.raw(b"\xff" * 1000, to=SHOP, gas=61_000)


@FRAMEWORK
def a_redelegated_spend_of_a_token(s: Scene) -> Asks:
    top = s.root(ERC20TransferAmount(token=s.token, max_amount=10))
    leaf = s.child(top, HELPER, ERC20TransferAmount(token=s.token, max_amount=4))
    exceeded = "hook ERC20TransferAmountEnforcer:allowance-exceeded"
    yield s.ask([leaf, top], s.pay(4), redeemer=HELPER)
    yield s.ask([leaf, top], s.pay(1), exceeded, redeemer=HELPER)
    yield s.ask(top, s.pay(7), exceeded)
    yield s.ask(top, s.pay(6))


# gas


def _short_of_gas(gas: int) -> None:
    def script(s: Scene) -> Asks:
        top = s.root(LimitedCalls(limit=9), AllowedTargets(targets=(SHOP, s.token)))
        leaf = s.child(top, HELPER, LimitedCalls(limit=9))
        yield s.ask([leaf, top], s.pay(1), "", redeemer=HELPER, gas=gas)

    FRAMEWORK.add(f"{gas} gas for two links and a transfer", script)


for _gas in (62_000, 80_000, 95_000, 110_000, 130_000, 150_000, 170_000, 190_000, 210_000, 230_000, 250_000, 300_000):
    _short_of_gas(_gas)
