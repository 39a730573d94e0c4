"""What a person sees. Nothing from outside is trusted: control characters are shown, markup is not interpreted."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text
from rich.tree import Tree

from caveats.caveat import Caveat
from caveats.enforcer import Tokens, show_native, show_token
from caveats.errors import TransportError, VerificationError
from caveats.execution import Execution
from caveats.registry import decode_caveat
from caveats.types import Address, keccak
from delegations.delegation import Delegation, recover_delegation_signer, verify_chain
from delegations.framework.constants import DELEGATION_MANAGER
from delegations.redemption import Redemption
from delegations.simulation.verdict import Movement, Verdict

# Trees are cut at the console's width. This is past any line we print, and costs nothing: lines are not padded.
_PIPE_WIDTH = 1 << 30
_TRANSFER = keccak(b"transfer(address,uint256)")[:4]


def emit(text: str) -> None:
    """Write text to standard output, now.

    Raises:
        TransportError: nobody takes it. Whoever asked has no answer, so the exit code must not look like one.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # no second failure when the interpreter exits
        raise TransportError(f"standard output cannot be written: {error.strerror or error}") from error


def show(out: Console, *renderables: RenderableType, fold: bool = True) -> None:
    """Print to the console of `console()`; without `fold`, lines are left to the terminal and can be copied whole.

    Raises:
        TransportError: as `emit`.
    """
    with out.capture() as capture:
        for renderable in renderables:
            out.print(renderable, soft_wrap=not fold)
    emit(capture.get())


def clean(text: object) -> str:
    """Return text with every character a terminal could act on made visible."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def line(text: str, style: str = "") -> Text:
    """Return one line of plain, safe text."""
    return Text(clean(text), style=style)


def caveat_line(index: int, caveat: Caveat, tokens: Tokens | None = None) -> Text:
    """Return a caveat as "0 Timestamp: Usable only before ..."; what cannot be read is marked in red."""
    decoded = decode_caveat(caveat)
    text = Text(f"{index} ")
    text.append(clean(decoded.name), style="bold" if decoded.terms else "bold red")
    text.append(": " + clean(decoded.describe(tokens)), style="" if decoded.terms else "red")
    if caveat.args:
        text.append(f" (args {len(caveat.args)} bytes)", style="dim")
    return text


def chain_tree(
    chain: Sequence[Delegation], *, chain_id: int | None = None, manager: Address = DELEGATION_MANAGER
) -> Tree:
    """Return a chain drawn from the root down to the leaf, with who signed when a chain id is given."""
    if not chain:
        return Tree(line("Self-authorised: no delegation, the caller acts with its own account."))
    top = node = Tree(_link_label(0, chain[-1]))
    for depth, link in enumerate(reversed(chain)):
        if depth:
            node = node.add(_link_label(depth, link))
        node.add(_signature_line(link, chain_id, manager))
        for index, caveat in enumerate(link.caveats):
            node.add(caveat_line(index, caveat))
        if not link.caveats:
            node.add(line("no caveats of its own", "dim") if depth else line("no caveats: unrestricted", "bold red"))
    try:
        verify_chain(chain)
    except VerificationError as error:
        top.add(line(f"broken chain: {error}", "bold red"))
    return top


def _link_label(depth: int, link: Delegation) -> Text:
    to = "anyone (open delegation)" if link.is_open else str(link.delegate)
    text = Text("root " if depth == 0 else f"link {depth} ", style="bold cyan")
    text.append(f"{link.delegator} -> {to}", style="default")
    text.append(f"\nhash {link.hash}", style="dim")
    return text


def _signature_line(link: Delegation, chain_id: int | None, manager: Address) -> Text:
    if not link.signature:
        return line("not signed", "yellow")
    if chain_id is None:
        return line(f"signature of {len(link.signature)} bytes (give --chain-id to see whose)", "dim")
    try:
        signer = recover_delegation_signer(link, chain_id=chain_id, manager=manager)
    except VerificationError as error:
        return line(f"{error}; a contract account may still accept it", "yellow")
    if signer == link.delegator:
        return line(f"signed by the delegator for chain {chain_id}", "green")
    return line(f"signed by {signer}, which is not the delegator; a contract account may still accept it", "yellow")


def execution_line(execution: Execution, tokens: Tokens | None = None) -> Text:
    """Return an execution in words."""
    data, target = execution.call_data, execution.target
    value = f" with {show_native(execution.value, tokens)}" if execution.value else ""
    if data[:4] == _TRANSFER and len(data) == 68 and data[4:16] == bytes(12):
        amount = show_token(target, int.from_bytes(data[36:], "big"), tokens)
        return line(f"transfer {amount} to {Address(data[16:36])}{value}")
    if not data:
        return line(f"send {show_native(execution.value, tokens)} to {target}")
    return line(f"call {target} function 0x{data[:4].hex()} with {len(data)} bytes of calldata{value}")


def redemption_tree(redemption: Redemption, index: int, *, chain_id: int | None = None) -> Tree:
    """Return one redemption: what is executed, and under which chain."""
    tree = Tree(line(f"redemption {index}, mode {redemption.mode.label}", "bold"))
    for execution in redemption.executions:
        tree.add(execution_line(execution))
    tree.add(chain_tree(redemption.context, chain_id=chain_id))
    return tree


def movement_line(move: Movement, tokens: Tokens | None = None) -> Text:
    """Return a movement in words."""
    if move.token is None:
        amount = show_native(move.amount, tokens)
    elif move.token_id is not None:
        amount = f"token id {move.token_id} of {move.token}"
    else:
        amount = show_token(move.token, move.amount, tokens)
    return line(f"{amount}: {move.sender} -> {move.recipient}")


def verdict_tree(verdict: Verdict, tokens: Tokens | None = None, *, hint: str | None = None) -> Tree:
    """Return a verdict with what decided or what moves; `hint` says what would have worked."""
    if verdict.denial is not None:
        denial = verdict.denial
        tree = Tree(line("DENIED" if denial.is_policy else "FAILED", "bold red"))
        where = f"stage {denial.stage}"
        if denial.link is not None:
            where += f", link {denial.link} (leaf is 0)"
        if denial.caveat is not None:
            where += f", caveat {denial.caveat} {denial.enforcer_name or denial.enforcer}"
        if denial.execution is not None:
            where += f", execution {denial.execution}"
        tree.add(line(where))
        tree.add(line(denial.explanation))
        if hint is not None:
            tree.add(line(hint, "yellow"))
        tree.add(line(f"reason: {denial.reason or 'none given'}; revert data 0x{denial.revert_data.hex()}", "dim"))
        for warning in verdict.warnings:
            tree.add(line(warning, "yellow"))
        return tree
    tree = Tree(line("ALLOWED" + (", but an execution failed" if verdict.is_partial else ""), "bold green"))
    effects = verdict.effects
    for move in effects.movements if effects else ():
        tree.add(movement_line(move, tokens))
    for result in effects.executions if effects else ():
        if not result.success:
            tree.add(line(f"execution {result.index} failed and was swallowed: {result.reason}", "red"))
    for event in effects.enforcer_events if effects else ():
        values = ", ".join(f"{key} {value}" for key, value in event.values.items())
        tree.add(line(f"{event.contract} {event.event}: {values}", "dim"))
    if verdict.gas_used is not None:
        tree.add(line(f"gas {verdict.gas_used}", "dim"))
    for warning in verdict.warnings:
        tree.add(line(warning, "yellow"))
    return tree


def console() -> Console:
    """Return a console that interprets no markup and cuts nothing: a terminal wraps, a pipe gets whole lines."""
    made = Console(markup=False, highlight=False)
    if not made.is_terminal:
        made.width = _PIPE_WIDTH
    return made
