"""A grant that was verified, ready to be simulated and redeemed.

    granted = report.require()
    granted.deploy(chain)
    simulate(chain, granted.redemption(pay))

Source: ERC-7715, dependencies and context; ERC-7710, redeemDelegations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caveats.errors import ExecutionError
from caveats.execution import Execution
from caveats.types import Address
from delegations.delegation import Delegation
from delegations.evm.chain import LocalChain
from delegations.execution import ExecutionMode
from delegations.framework.reverts import decode_revert
from delegations.manager import MetaMaskManager
from delegations.permissions.decode import DecodedPermission
from delegations.permissions.model import Dependency, PermissionResponse
from delegations.redemption import Redemption, redeem


@dataclass(frozen=True)
class Granted:
    """What a wallet granted and every check held for.

    Attributes:
        response: as the wallet gave it.
        permission: what the signed context grants; not what the wallet says of it.
        context: the delegations, leaf first.
    """

    response: PermissionResponse
    permission: DecodedPermission
    context: tuple[Delegation, ...]

    @property
    def manager(self) -> Address:
        """The delegation manager to redeem with: the one the framework has on that chain."""
        return self.response.delegation_manager

    @property
    def redeemer(self) -> Address:
        """Who redeems: the account the permission was asked for."""
        return self.context[0].delegate

    def redemption(
        self, executions: Sequence[Execution] | Execution, *, mode: ExecutionMode | None = None
    ) -> Redemption:
        """Return the redemption of this grant with what to execute. Arguments as `delegations.redeem`."""
        return redeem(self.context, executions, mode=mode)

    def calls(
        self, executions: Sequence[Execution] | Execution, *, chain: LocalChain | None = None
    ) -> tuple[Execution, ...]:
        """Return what the redeemer sends, in order: the deployments it depends on, then redeemDelegations.

        With a chain, accounts that stand there already are left out: their deployment would revert.
        """
        calldata = MetaMaskManager(self.manager).encode_redeem([self.redemption(executions)])
        needed = dict.fromkeys(self.response.dependencies)
        if chain is not None:
            needed = dict.fromkeys(undeployed(chain, self.response.dependencies))
        return (*map(deployment_call, needed), Execution(target=self.manager, call_data=calldata))

    def deploy(self, chain: LocalChain) -> None:
        """Deploy on a local chain what the grant depends on and is not there yet.

        Raises:
            ExecutionError: a factory reverted.
        """
        for dependency in undeployed(chain, self.response.dependencies):
            outcome = chain.send_execution(self.redeemer, deployment_call(dependency))
            if not outcome.success:
                raise ExecutionError(
                    f"dependency: the factory {dependency.factory} reverted: {decode_revert(outcome.output).text}",
                    revert_data=outcome.output,
                )


def deployment_call(dependency: Dependency) -> Execution:
    """Return the call that deploys a dependency."""
    return Execution(target=dependency.factory, call_data=dependency.factory_data)


def undeployed(chain: LocalChain, dependencies: Sequence[Dependency]) -> tuple[Dependency, ...]:
    """Return the dependencies, each once, whose deployment would succeed on the chain as it stands."""
    calls = dict.fromkeys(dependencies)
    return tuple(d for d in calls if chain.call(d.factory, d.factory_data, needs=frozenset()).success)
