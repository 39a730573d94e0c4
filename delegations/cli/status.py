"""`delegations status`: does it still hold, and what is left of it?"""

from __future__ import annotations

from collections.abc import Sequence

from rich.tree import Tree

from caveats.errors import EncodingError
from delegations.cli.options import open_chain, parse_time
from delegations.cli.render import line
from delegations.delegation import Delegation
from delegations.simulation import NodeReader, Status, status


def read_status(context: Sequence[Delegation], *, state: str | None, rpc_url: str | None, at: str | None) -> Status:
    """Return the status of a chain by a state file or a node.

    Raises:
        EncodingError: neither or both are given.
        TransportError: the node could not be asked.
    """
    if (state is None) == (rpc_url is None):
        raise EncodingError("status: expected one source of state", hint="give --state FILE or --rpc-url URL")
    if rpc_url is not None:
        return status(NodeReader(rpc_url), context, at=None if at is None else parse_time(at))
    return status(open_chain(state, None, at, ()), context)


def status_tree(found: Status) -> Tree:
    """Return a status for a person: every finding, then what is left."""
    tree = Tree(line(found.state.replace("_", " ").upper(), "bold green" if found.is_active else "bold red"))
    for sentence in [finding.sentence for finding in found.findings] or [found.sentence]:
        tree.add(line(sentence))
    left = found.remaining
    for asset in left.assets:
        tree.add(line(asset.sentence))
    if left.calls_left is not None:
        tree.add(line(f"Redemptions left: {left.calls_left}."))
    for sentence in (*left.notes, *left.unknown):
        tree.add(line(sentence, "yellow"))
    return tree
