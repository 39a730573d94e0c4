"""The table of families. A new one takes a file here, a row below, and an operation in kit.mjs."""

from __future__ import annotations

from typing import Any

from tests.conformance.families import (
    constants,
    contexts,
    created,
    delegations,
    executions,
    groups,
    permissions,
    redemptions,
    scopes,
    terms,
)
from tests.conformance.family import Family

FAMILIES: tuple[Family[Any], ...] = (
    constants.CONSTANTS,
    constants.ENVIRONMENTS,
    *terms.FAMILIES,
    *groups.FAMILIES,
    *scopes.FAMILIES,
    *permissions.FAMILIES,
    delegations.FAMILY,
    contexts.FAMILY,
    created.FAMILY,
    executions.FAMILY,
    redemptions.FAMILY,
)
