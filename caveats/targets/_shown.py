"""An execution in words."""

from __future__ import annotations

from caveats.enforcer import Tokens, name_token, show_native
from caveats.errors import abbreviate
from caveats.execution import Execution


def show_execution(execution: Execution, tokens: Tokens | None) -> str:
    """Return "send 1 ETH to 0x... with the calldata 0x..." or what of it applies."""
    known = execution.target in (tokens or {})
    target = name_token(execution.target, tokens) if known else str(execution.target)
    if not execution.call_data:
        return f"send {show_native(execution.value, tokens)} to {target}"
    paid = f" with {show_native(execution.value, tokens)}" if execution.value else ""
    return f"call {target}{paid} and the calldata {abbreviate(execution.call_data)}"
