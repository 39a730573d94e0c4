"""The deployer: every form compilers write, arguments and results by the ABI, and errors that say what is wrong."""

from __future__ import annotations

import json
from importlib import resources
from types import SimpleNamespace

import pytest

from caveats import Address, EncodingError, ExecutionError, LimitedCalls
from delegations.redemption import redeem
from delegations.testing import Contract, Deployer, load_artifact

TOKEN = json.loads((resources.files("delegations.evm") / "artifacts" / "TestToken.json").read_text())
ABI, CODE = TOKEN["abi"], TOKEN["bytecode"]
FORMS = {
    "foundry": {"abi": ABI, "bytecode": {"object": CODE, "linkReferences": {}}},
    "hardhat": {"contractName": "TestToken", "abi": ABI, "bytecode": CODE},
    "standard": {"contracts": {"src/T.sol": {"TestToken": {"abi": ABI, "evm": {"bytecode": {"object": CODE[2:]}}}}}},
    "combined": {"contracts": {"src/T.sol:TestToken": {"abi": ABI, "bin": CODE[2:]}}, "version": "0.8.30"},
    "combined, old": {"contracts": {"src/T.sol:TestToken": {"abi": json.dumps(ABI), "bin": CODE[2:]}}},
}
ARGUMENTS = ("Coin", "COIN", 2)


@pytest.fixture
def coin(deployer) -> Contract:
    return deployer(FORMS["foundry"], *ARGUMENTS)


@pytest.mark.parametrize("form", FORMS)
def test_a_contract_is_deployed_from_every_form_compilers_write(deployer, form):
    coin = deployer(FORMS[form], *ARGUMENTS)
    assert (coin.call("name"), coin.call("decimals")) == ("Coin", 2)


def test_a_contract_is_found_by_path_and_by_name(chain, stranger, tmp_path):
    built = tmp_path / "out" / "TestToken.sol" / "TestToken.json"
    built.parent.mkdir(parents=True)
    built.write_text(json.dumps(FORMS["foundry"]))
    deployer = Deployer(chain, stranger.address, root=tmp_path)
    for source in ("TestToken", "out/TestToken.sol/TestToken.json", built):
        assert deployer(source, *ARGUMENTS).name == "TestToken"
    with pytest.raises(
        EncodingError, match=r"artifact Missing: expected a file at .*Missing or .*Missing.json \(build"
    ):
        deployer("Missing")


def test_a_contract_is_picked_by_name_among_several():
    two = {"contracts": {f"src/{file}.sol": {"Coin": FORMS["foundry"]} for file in "AB"}}
    two["contracts"]["src/A.sol"]["Other"] = FORMS["foundry"]
    assert load_artifact(two, name="Other").name == "Other"
    assert load_artifact(two, name="src/B.sol:Coin").name == "Coin"
    with pytest.raises(EncodingError, match=r"one contract Coin, got src/A.sol:Coin, src/B.sol:Coin \(say which with"):
        load_artifact(two, name="Coin")
    with pytest.raises(
        EncodingError, match=r"expected one contract Nobody, got src/A.sol:Coin, src/A.sol:Other, src/B"
    ):
        load_artifact(two, name="Nobody")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({}, "expected abi and creation code of Foundry, Hardhat or solc"),
        ({"abi": ABI, "bytecode": "0x"}, "has no creation code (it is an interface or abstract)"),
        ({"abi": ABI, "bytecode": {"object": "0x60__$abc$__00"}}, "libraries that are not linked"),
        ({"abi": ABI, "bytecode": "0xzz"}, "creation code of contract: expected 0x and pairs of hex digits"),
        ({"contracts": []}, "contracts of artifact: expected an object"),
        ({"contracts": {"a.sol": 5}}, "contracts of artifact: a.sol: expected an object, got 5"),
        ({"contracts": {"a.sol": {"A": 5}}}, "contracts of artifact: a.sol:A: expected an object, got 5"),
        ({"contracts": {"a.sol:A": {"abi": "{", "bin": "00"}}}, "abi of A: expected JSON"),
        ({"contracts": {}}, "expected one contract, got none"),
        ({"contracts": {}, "errors": [{"severity": "error", "message": "Oops"}]}, "without errors, got Oops"),
    ],
)
def test_what_is_no_artifact_is_refused_by_what_it_lacks(output, said):
    with pytest.raises(EncodingError) as refusal:
        load_artifact(output)
    assert said in str(refusal.value)


def test_a_file_that_is_no_json_object_is_refused(tmp_path):
    for text, said in (("{", "expected JSON"), ("[]", "expected an object, got \\[\\]")):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(EncodingError, match=said):
            load_artifact("x.json", root=tmp_path)


def test_constructor_arguments_must_fit(deployer):
    with pytest.raises(
        EncodingError, match=r"expected 3 arguments \(string _name, string _symbol, uint8 _decimals\), got 1"
    ):
        deployer(FORMS["foundry"], "Coin")
    with pytest.raises(EncodingError, match=r"constructor of contract: expected values of \(string, string, uint8\)"):
        deployer(FORMS["foundry"], "Coin", "COIN", 256)


def test_a_constructor_that_reverts_says_why(deployer):
    with pytest.raises(ExecutionError, match="constructor of contract reverted: The call reverted without data"):
        deployer({"abi": [], "bytecode": "0x60006000fd"})


def test_what_is_sent_is_kept_and_told(coin, agent, stranger):
    sent = coin.send("mint", agent, 50)
    assert (sent.value, sent.outcome.success) == (None, True)
    (event,) = sent.events
    assert (event.name, dict(event.values)) == (
        "Transfer",
        {"from": Address(bytes(20)), "to": agent.address, "value": 50},
    )
    assert coin.send("transfer", stranger.address, 20, sender=agent).value is True
    assert [coin.call("balanceOf", who) for who in (agent, str(stranger.address))] == [30, 20]


def test_what_is_called_is_not_kept(coin, agent):
    assert coin.call("mint", agent, 5) is None
    assert coin.call("balanceOf", agent) == 0


def test_a_revert_is_told_by_the_contracts_own_error(coin, agent, stranger):
    with pytest.raises(ExecutionError) as failure:
        coin.send("transfer", stranger, 1, sender=agent)
    assert str(failure.value) == (
        f"contract.transfer(address,uint256) reverted: InsufficientBalance(holder={agent.address}, balance=0, needed=1)"
    )
    assert failure.value.revert_data


def test_a_call_becomes_an_execution_of_a_delegation(coin, allows, delegator, agent):
    grant = delegator.grant(agent, LimitedCalls(limit=1))
    allows(redeem(grant, coin.execution("mint", agent, 5)), keep=True)
    assert coin.call("balanceOf", agent) == 5


def test_a_contract_that_stands_already_is_spoken_to(coin, deployer):
    assert deployer.at(FORMS["foundry"], coin).call("symbol") == "COIN"
    nowhere = deployer.at(FORMS["foundry"], "0x00000000000000000000000000000000000000aa")
    with pytest.raises(ExecutionError, match=r"there is no code at 0x0{38}"):
        nowhere.call("symbol")


def test_a_function_that_is_not_there_is_refused_with_those_that_are(coin):
    with pytest.raises(
        EncodingError, match=r"function 'burn' of contract: expected a function of its ABI: allowance\("
    ):
        coin.call("burn")


# arguments and results of every kind, on a contract that returns its arguments


def echo(chain, inputs, outputs=None) -> Contract:
    """A contract whose every function returns what it was given: CALLDATACOPY from byte 4, RETURN."""
    runtime = bytes.fromhex("600436038060046000376000f3")
    address = Address(bytes(19) + b"\xec")
    chain.world.set_code(address, runtime)
    entry = {"type": "function", "name": "echo", "inputs": inputs, "outputs": inputs if outputs is None else outputs}
    return Contract(chain, address, [entry], name="Echo", sender=address)


@pytest.mark.parametrize(
    ("kind", "given", "back"),
    [
        ("uint256", 2**256 - 1, 2**256 - 1),
        ("int8", -128, -128),
        ("bool", True, True),
        ("string", "größer", "größer"),
        ("bytes", b"\x01", b"\x01"),
        ("bytes4", b"\x01\x02\x03\x04", b"\x01\x02\x03\x04"),
        ("address", bytes(20), Address(bytes(20))),
        ("uint8[]", [1, 2], (1, 2)),
        ("uint8[2]", (1, 2), (1, 2)),
        ("string[][1]", [["a", "b"]], (("a", "b"),)),
    ],
)
def test_values_go_in_and_come_out_as_pythons_own(chain, kind, given, back):
    assert echo(chain, [{"name": "x", "type": kind}]).call("echo", given) == back


def test_structs_are_dicts_or_sequences(chain, agent):
    parts = [{"name": "to", "type": "address"}, {"name": "amounts", "type": "uint256[]"}]
    contract = echo(chain, [{"name": "order", "type": "tuple", "components": parts}])
    expected = {"to": agent.address, "amounts": (1, 2)}
    assert contract.call("echo", {"to": agent, "amounts": [1, 2]}) == expected
    assert contract.call("echo", (agent, (1, 2))) == expected
    with pytest.raises(EncodingError, match="struct: expected the fields to, amounts, got to"):
        contract.call("echo", {"to": agent})


def test_arrays_of_structs_and_several_values(chain, agent):
    parts = [{"name": "to", "type": "address"}]
    inputs = [{"name": "all", "type": "tuple[]", "components": parts}, {"name": "n", "type": "uint8"}]
    assert echo(chain, inputs).call("echo", [{"to": agent}], 7) == (({"to": agent.address},), 7)


@pytest.mark.parametrize(
    ("kind", "value"), [("address", 5), ("address", "0x12"), ("uint8[]", 5), ("tuple", 5), ("uint8", None)]
)
def test_values_that_do_not_fit_are_refused(chain, kind, value):
    contract = echo(chain, [{"name": "x", "type": kind, "components": [{"name": "a", "type": "uint8"}]}])
    with pytest.raises(EncodingError):
        contract.call("echo", value)


def test_what_stands_for_an_address_may_be_of_any_kind(chain, agent, token):
    contract = echo(chain, [{"name": "x", "type": "address"}])
    for given in (agent, token, token.contract, SimpleNamespace(address=agent.address)):
        assert contract.call("echo", given) == given.address


def test_overloads_are_told_apart_by_count_or_signature(chain):
    one, two = ([{"name": f"p{i}", "type": "uint8"} for i in range(n)] for n in (1, 2))
    contract = echo(chain, one)
    contract.abi += ({"type": "function", "name": "echo", "inputs": two, "outputs": two},)
    assert (contract.call("echo", 1), contract.call("echo", 1, 2)) == (1, (1, 2))
    contract.abi += ({"type": "function", "name": "echo", "inputs": [{"name": "b", "type": "bool"}], "outputs": []},)
    assert contract.call("echo(uint8)", 1) == 1
    with pytest.raises(EncodingError, match=r"expected the signature of one: echo\(uint8\), echo\(uint8,uint8\)"):
        contract.call("echo", 1)
