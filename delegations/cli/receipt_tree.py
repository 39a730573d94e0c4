"""A receipt in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from rich.tree import Tree

from delegations.cli.render import clean, line
from delegations.receipts.model import Receipt
from delegations.receipts.page_view import make_view
from delegations.receipts.page_words import Bound, Party, View

_STYLES = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}


def receipt_tree(receipt: Receipt, *, signers: Sequence[str] | None = None) -> Tree:
    """Return a receipt for a person.

    Args:
        receipt: what to show.
        signers: keys whose signatures were verified; empty for an envelope nobody looked into; None without one.
    """
    view = make_view(receipt)
    tree = Tree(line(view.title, _STYLES[view.tone]))
    tree.add(line(view.headline))
    tree.add(line(f"sha256 {view.hash}", "dim"))
    for problem in view.problems:
        tree.add(line(f"contradicts itself at {problem.path}: {problem.text}", "bold red"))
    for caution in view.caution:
        tree.add(line(caution, "yellow"))
    if signers is not None:
        for signer in signers:
            tree.add(line(f"signed by {signer}", "green"))
        if not signers:
            tree.add(line("signed; the signatures were not checked (give --key or --signer)", "yellow"))
    _add_lineage(tree, view)
    for part in view.parts:
        title = part.title if part.standing is None else f"{part.title} ({part.standing})"
        node = tree.add(line(title, "bold"))
        for name, text in part.rows:
            node.add(line(f"{name}: {text}", "red" if name.startswith(("denied at", "failed at")) else ""))
    standings = ", ".join(f"{path} {standing}" for path, standing in view.standings)
    tree.add(line(f"standing: {standings}", "dim"))
    return tree


def _add_lineage(tree: Tree, view: View) -> None:
    if not view.steps:
        return
    node = tree.add(_party(view.steps[0].giver))
    for step in view.steps:
        node = node.add(line(f"depth {step.depth}: {step.giver.address} -> {step.taker.address}", "cyan"))
        if step.taker.name is not None:
            node.add(_party(step.taker))
        for problem in step.problems:
            node.add(line(problem, "bold red"))
        for bound in step.bounds:
            entry = node.add(_bound(bound))
            if bound.own_words is not None:
                entry.add(line(f"the receipt's own words: {bound.own_words}", "yellow"))
    for deed in view.action:
        node.add(line(deed, _STYLES[view.tone]))


def _party(party: Party) -> Text:
    if party.name is None:
        return line(f"{party.title} {party.address}", "cyan")
    return line(f"{party.role} {party.name} ({party.address})", "cyan")


def _bound(bound: Bound) -> Text:
    text = Text(f"{bound.index} ")
    text.append(clean(bound.name), style="bold" if bound.known else "bold red")
    text.append(": " + clean(bound.says), style="" if bound.known else "red")
    if bound.refused:
        text.append(" <- said no", style="bold red")
    return text
