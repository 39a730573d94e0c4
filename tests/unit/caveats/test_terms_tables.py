"""Every enforcer class, both ways, driven by its table in tests/vectors/caveats."""

import pytest

from caveats import Address, Caveat, EncodingError, Execution, TermsError, TokenInfo, decode_caveat
from caveats.attempt import Attempt
from caveats.types import parse_hex
from tests.vectors.tables import BY_NAME, KINDS, list_rows, list_tabled, load_enforcer_tables


def read_tokens(row):
    return {Address(address): TokenInfo(*info) for address, info in row.get("tokens", {}).items()}


def read_attempt(wire):
    given = dict(wire)
    for name in ("redeemer", "delegator"):
        if name in given:
            given[name] = Address(given[name])
    if "args" in given:
        given["args"] = parse_hex(given["args"])
    return Attempt(**{**given, "executions": tuple(Execution.from_wire(e) for e in given["executions"])})


@pytest.mark.parametrize("cls", list_tabled(), ids=lambda cls: cls.__name__)
def test_a_table_has_rows_of_every_kind_or_says_why_not(cls):
    table = load_enforcer_tables()[cls.__name__]
    excused = table.get("none", {})
    assert (table["enforcer"], table["address"]) == (cls.ENFORCER, str(cls.ADDRESS))
    assert set(table) <= {"enforcer", "address", "none", *KINDS}
    for kind in KINDS:
        assert bool(table.get(kind)) != bool(excused.get(kind)), f"{kind}: give rows, or a reason in none"


def test_every_table_belongs_to_a_registered_enforcer():
    assert set(load_enforcer_tables()) <= set(BY_NAME)


@pytest.mark.parametrize(("cls", "row"), list_rows("valid"))
def test_values_encode_to_their_terms(cls, row):
    assert cls.from_wire(row["values"]).encode_terms() == parse_hex(row["terms"])


@pytest.mark.parametrize(("cls", "row"), list_rows("valid"))
def test_a_builder_takes_the_decoded_values_as_keywords(cls, row):
    decoded = cls.decode_terms(parse_hex(row["terms"]))
    assert cls(**{name: getattr(decoded, name) for name in cls.model_fields}) == decoded


@pytest.mark.parametrize(("cls", "row"), list_rows("valid"))
def test_a_builder_reads_its_own_json(cls, row):
    built = cls.from_wire(row["values"])
    assert cls.from_json(built.to_json()) == built


@pytest.mark.parametrize(("cls", "row"), list_rows("valid", "unwise", "not_canonical"))
def test_terms_decode_to_their_values(cls, row):
    assert cls.decode_terms(parse_hex(row["terms"])).to_wire() == row["values"]


@pytest.mark.parametrize(("cls", "row"), list_rows("valid", "unwise"))
def test_decoded_terms_encode_to_the_same_bytes(cls, row):
    assert cls.decode_terms(parse_hex(row["terms"])).encode_terms() == parse_hex(row["terms"])


@pytest.mark.parametrize(("cls", "row"), list_rows("not_canonical"))
def test_terms_that_are_not_canonical_encode_to_other_bytes_of_the_same_meaning(cls, row):
    decoded = cls.decode_terms(parse_hex(row["terms"]))
    assert decoded.encode_terms() != parse_hex(row["terms"])
    assert cls.decode_terms(decoded.encode_terms()) == decoded


@pytest.mark.parametrize(("cls", "row"), list_rows("valid", "unwise"))
def test_the_description_is_the_sentence_of_the_table(cls, row):
    assert cls.decode_terms(parse_hex(row["terms"])).describe(read_tokens(row)) == row["describe"]


@pytest.mark.parametrize(("cls", "row"), list_rows("valid"))
def test_valid_values_have_no_problems(cls, row):
    assert list(cls.decode_terms(parse_hex(row["terms"])).problems()) == []


@pytest.mark.parametrize(("cls", "row"), list_rows("unwise"))
def test_unwise_values_are_read_with_their_problem_named(cls, row):
    assert any(row["message"] in problem for problem in cls.decode_terms(parse_hex(row["terms"])).problems())


@pytest.mark.parametrize(("cls", "row"), list_rows("unwise", "refused"))
def test_a_builder_refuses_on_one_line_that_names_the_class(cls, row):
    with pytest.raises(EncodingError) as refusal:
        cls.from_wire(row["values"])
    message = str(refusal.value)
    assert row["message"] in message
    assert message.startswith(cls.__name__)
    assert message.isprintable()


@pytest.mark.parametrize(("cls", "row"), list_rows("unwise", "refused"))
def test_a_builder_refuses_the_same_given_as_keywords(cls, row):
    with pytest.raises(EncodingError) as refusal:
        cls(**row["values"])
    assert row["message"] in str(refusal.value)


@pytest.mark.parametrize(("cls", "row"), list_rows("undecodable"))
def test_terms_the_contract_reverts_on_carry_its_reason(cls, row):
    terms = parse_hex(row["terms"])
    with pytest.raises(TermsError) as refusal:
        cls.decode_terms(terms)
    assert refusal.value.onchain == row["onchain"]
    assert str(refusal.value).startswith(f"{cls.ENFORCER} terms: expected ")


@pytest.mark.parametrize(("cls", "row"), list_rows("undecodable"))
def test_a_caveat_that_cannot_be_read_says_that_redeeming_reverts(cls, row):
    decoded = decode_caveat(Caveat(enforcer=cls.ADDRESS, terms=parse_hex(row["terms"])))
    assert (decoded.terms, decoded.would_revert, decoded.is_opaque) == (None, row["onchain"], False)
    assert "every redemption would revert" in decoded.describe()
    assert (row["onchain"] or "no reason given") in decoded.describe()


@pytest.mark.parametrize(("cls", "row"), list_rows("valid"))
def test_a_caveat_is_read_back_as_the_terms_it_was_made_of(cls, row):
    built = cls.from_wire(row["values"])
    decoded = decode_caveat(built.to_caveat(args=b"\x01"))
    assert (decoded.terms, decoded.enforcer_name, decoded.caveat.args) == (built, cls.ENFORCER, b"\x01")
    assert decoded.describe(read_tokens(row)) == row["describe"]


@pytest.mark.parametrize(("cls", "row"), list_rows("judged"))
def test_terms_alone_judge_an_attempt_as_the_table_says(cls, row):
    terms = cls.decode_terms(parse_hex(row["terms"])) if "terms" in row else cls.from_wire(row["values"])
    attempt = read_attempt(row["attempt"])
    assert terms.denies(attempt) == row["denied"]
    if row["denied"] is not None:
        assert terms.would_allow(attempt) is False
    else:
        assert terms.would_allow(attempt) is (True if cls.JUDGED_ALONE else None)
