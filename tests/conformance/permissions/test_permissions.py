"""Random permissions of every type, every direction, against the wallet's package and the TypeScript kit."""

from __future__ import annotations

import pytest

from caveats.types import MAX_UINT256
from delegations.permissions import LIVE_PERMISSIONS
from tests.conformance.node import Kit
from tests.conformance.permissions.compare import DIRECTIONS
from tests.conformance.permissions.subjects import CASES, all_subjects, subjects_of

KINDS = [cls.model_fields["type"].default for cls in LIVE_PERMISSIONS]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_case_agrees_with_the_wallets_package(kind: str, direction: str, wallet: Kit) -> None:
    subjects = all_subjects()[kind]
    assert len(subjects) == CASES
    compared = sum(DIRECTIONS[direction](subject, wallet) for subject in subjects)
    assert compared == CASES or (kind, direction) == ("token-approval-revocation", "decode")
    assert compared >= CASES // 3


def test_every_compiler_and_decoder_of_the_package_is_compared(wallet: Kit) -> None:
    names = wallet.ask("names")
    assert sorted(names["decoders"]) == sorted(KINDS)
    assert sorted(names["compilers"]) == sorted(f"create{cls.__name__}Caveats" for cls in LIVE_PERMISSIONS)


@pytest.mark.parametrize("cls", LIVE_PERMISSIONS, ids=lambda cls: cls.__name__)
def test_the_cases_reach_the_edges(cls: type) -> None:
    subjects = subjects_of(cls)
    assert {len(subject.request.rules) for subject in subjects} >= {0, 1, 2}
    assert {0, MAX_UINT256} & {subject.nonce for subject in subjects}
    amounts = {getattr(s.request.permission, name) for s in subjects for name in cls.data_fields() if "amount" in name}
    assert not amounts or amounts >= {1, 2**128, MAX_UINT256}


@pytest.mark.parametrize("cls", LIVE_PERMISSIONS, ids=lambda cls: cls.__name__)
def test_every_run_compares_the_same_cases(cls: type) -> None:
    assert subjects_of(cls) == subjects_of(cls)
