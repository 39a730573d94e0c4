"""What a dapp asks and what a wallet answers, as ERC-7715 has it.

    request = PermissionRequest.from_wire(params[0], path="params[0]")
    request.permission.type, request.rules

Source: ERC-7715, wallet_requestExecutionPermissions, wallet_getSupportedExecutionPermissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from pydantic import InstanceOf, field_validator

from caveats.errors import EncodingError
from caveats.types import Address, HexBytes, Listed, Uint256, format_hex
from delegations.permissions.rules import ExpiryRule, PayeeRule, RedeemerRule, Rule, read_rule
from delegations.permissions.types import Permission, read_permission
from delegations.permissions.wire import (
    Fields,
    WireModel,
    join_path,
    read_address,
    read_bytes,
    read_chain_id,
    read_context,
    read_list,
    read_object,
    read_type_name,
)

_AnyRule = TypeVar("_AnyRule", bound=Rule)


class PermissionRequest(WireModel):
    """What a dapp asks of a wallet.

    Attributes:
        chain_id: of the chain the permission is for.
        to: the account that will redeem: the delegate of the delegation.
        permission: what is asked.
        from_: whose account; None leaves the choice to the wallet's user. `from` on the wire.
        rules: what bounds it further, in the order given.
    """

    chain_id: Uint256
    to: Address
    permission: InstanceOf[Permission]
    from_: Address | None = None
    rules: Listed[InstanceOf[Rule]] = ()

    @field_validator("chain_id")
    @classmethod
    def _above_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError(str(EncodingError.of("chain id", expected="a whole number above 0", got=value)))
        return value

    @property
    def expiry(self) -> int | None:
        """The second before which it ends, from the first expiry rule; None without one."""
        rule = self.find_rule(ExpiryRule)
        return rule.timestamp if rule else None

    @property
    def redeemers(self) -> tuple[Address, ...] | None:
        """Who may redeem, from the first redeemer rule; None for anyone the delegate passes it on to."""
        rule = self.find_rule(RedeemerRule)
        return rule.addresses if rule else None

    @property
    def payees(self) -> tuple[Address, ...] | None:
        """Who may be paid, from the first payee rule; None for anyone."""
        rule = self.find_rule(PayeeRule)
        return rule.addresses if rule else None

    def find_rule(self, cls: type[_AnyRule]) -> _AnyRule | None:
        """Return the first rule of a class, or None."""
        return next((rule for rule in self.rules if isinstance(rule, cls)), None)

    def with_rules(self, *rules: Rule) -> Self:
        """Return the same request with these rules after its own."""
        return self.model_copy(update={"rules": (*self.rules, *rules)})

    @classmethod
    def _read(cls, value: object, path: str) -> Self:
        fields = Fields(value, path)
        made = cls(**_read_request(fields))
        fields.refuse_others()
        return made

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form: `from` only when it is given, `rules` always."""
        given = {} if self.from_ is None else {"from": str(self.from_)}
        return {
            "chainId": hex(self.chain_id),
            **given,
            "to": str(self.to),
            "permission": self.permission.to_wire(),
            "rules": [rule.to_wire() for rule in self.rules],
        }


def _read_request(fields: Fields) -> dict[str, Any]:
    return {
        "chain_id": fields.take("chainId", read_chain_id),
        "to": fields.take("to", read_address),
        "permission": fields.take("permission", read_permission),
        "from_": fields.optional("from", read_address),
        "rules": fields.optional("rules", _read_rules) or (),
    }


def _read_rules(value: object, path: str) -> tuple[Rule, ...]:
    return read_list(value, path, read_rule)


class Dependency(WireModel):
    """An account that must be deployed before redeeming: a call to a factory.

    Attributes:
        factory: the contract to call.
        factory_data: the calldata.
    """

    factory: Address
    factory_data: HexBytes

    @classmethod
    def _read(cls, value: object, path: str) -> Self:
        fields = Fields(value, path)
        made = cls(
            factory=fields.take("factory", read_address),
            factory_data=fields.take("factoryData", read_bytes),
        )
        fields.refuse_others()
        return made

    def to_wire(self) -> dict[str, Any]:
        """Return {"factory", "factoryData"}."""
        return {"factory": str(self.factory), "factoryData": format_hex(self.factory_data)}


class PermissionResponse(PermissionRequest):
    """What a wallet granted: the request as it granted it, and what it takes to redeem.

    What is granted stands in `context`; the other fields say what the wallet says of it.

    Attributes:
        context: the permission context, unchanged into redeemDelegations.
        delegation_manager: the contract to redeem with.
        dependencies: accounts to deploy first.
        unread: names of fields of the answer that are not known. They are not sent on.
    """

    context: HexBytes
    delegation_manager: Address
    dependencies: Listed[Dependency] = ()
    unread: Listed[str] = ()

    @property
    def request(self) -> PermissionRequest:
        """The part that is a request."""
        return PermissionRequest(
            chain_id=self.chain_id, to=self.to, permission=self.permission, from_=self.from_, rules=self.rules
        )

    @classmethod
    def answering(
        cls,
        request: PermissionRequest,
        *,
        context: bytes,
        delegation_manager: Address,
        dependencies: tuple[Dependency, ...] = (),
    ) -> Self:
        """Return the response that grants `request` as it stands."""
        return cls(
            chain_id=request.chain_id,
            to=request.to,
            permission=request.permission,
            from_=request.from_,
            rules=request.rules,
            context=context,
            delegation_manager=delegation_manager,
            dependencies=dependencies,
        )

    @classmethod
    def _read(cls, value: object, path: str) -> Self:
        fields = Fields(value, path)
        values = {
            **_read_request(fields),
            "context": fields.take("context", read_context),
            "delegation_manager": fields.take("delegationManager", read_address),
            "dependencies": fields.take("dependencies", _read_dependencies),
        }
        return cls(**values, unread=fields.left())

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            **super().to_wire(),
            "context": format_hex(self.context),
            "dependencies": [dependency.to_wire() for dependency in self.dependencies],
            "delegationManager": str(self.delegation_manager),
        }


def _read_dependencies(value: object, path: str) -> tuple[Dependency, ...]:
    return read_list(value, path, Dependency._read)


class SupportedPermission(WireModel):
    """What a wallet says of one permission type it can grant.

    Attributes:
        chain_ids: the chains it can grant it on.
        rule_types: the rules it can bound it by.
    """

    chain_ids: Listed[Uint256]
    rule_types: Listed[str] = ()

    @classmethod
    def _read(cls, value: object, path: str) -> Self:
        # Nothing here grants anything: fields of a later edition are passed over.
        fields = Fields(value, path)
        return cls(
            chain_ids=fields.take("chainIds", _read_chain_ids),
            rule_types=fields.optional("ruleTypes", _read_type_names, also="rulesTypes") or (),
        )

    def to_wire(self) -> dict[str, Any]:
        """Return {"chainIds", "ruleTypes"}."""
        return {"chainIds": [hex(chain_id) for chain_id in self.chain_ids], "ruleTypes": list(self.rule_types)}


def _read_chain_ids(value: object, path: str) -> tuple[int, ...]:
    return read_list(value, path, read_chain_id)


def _read_type_names(value: object, path: str) -> tuple[str, ...]:
    return read_list(value, path, read_type_name)


def read_requests(value: object, path: str = "params") -> tuple[PermissionRequest, ...]:
    """Return the requests of wallet_requestExecutionPermissions. Raises PermissionFieldError."""
    return read_list(value, path, PermissionRequest._read)


def read_responses(value: object, path: str = "result") -> tuple[PermissionResponse, ...]:
    """Return the responses of a request or of the granted ones. Raises PermissionFieldError."""
    return read_list(value, path, PermissionResponse._read)


def read_supported(value: object, path: str = "result") -> dict[str, SupportedPermission]:
    """Return what wallet_getSupportedExecutionPermissions says, by permission type. Raises PermissionFieldError."""
    named = read_object(value, path)
    return {name: SupportedPermission._read(item, join_path(path, name)) for name, item in named.items()}


def write_supported(supported: Mapping[str, SupportedPermission]) -> dict[str, Any]:
    """Return the result of wallet_getSupportedExecutionPermissions as it travels."""
    return {name: item.to_wire() for name, item in supported.items()}
