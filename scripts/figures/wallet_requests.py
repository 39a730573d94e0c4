"""The wallet's server and bad requests: what was tried, and what came back."""

from __future__ import annotations

import time
from collections import Counter

from scripts.figures.harness import Measured, Missing, Parts, figure, median_call


@figure("requests")
def bad_requests() -> Parts:
    """Bad requests put to the wallet's server that got exactly the answer written down for them, by error code.

    With them good ones that cannot be fulfilled as things stand: somebody says no, the node is away, the server ends.
    """
    from tests.unit.permissions.wallet.bad_requests import BAD_REQUESTS, SERVER_TOKEN, answer_to
    from tests.unit.permissions.wallet.browser import open_browser
    from tests.unit.permissions.wallet.situations import SITUATIONS, answer_in
    from tests.unit.permissions.wallet.stage import Wallet

    wallet = Wallet()
    browsers = {False: open_browser(wallet), True: open_browser(wallet, token=SERVER_TOKEN)}
    exact: Counter[int] = Counter()
    broken = 0
    wrong: Parts = []
    tried = [(bad, answer_to(browsers[bad.needs_token], bad)) for bad in BAD_REQUESTS]
    for row, (status, code, message) in [*tried, *((each, answer_in(each)) for each in SITUATIONS)]:
        broken += status >= 500 and status != row.status  # 503 is the right answer of a server that ends
        if (status, code, message) == (row.status, row.code, row.message):
            exact[code] += 1
        else:
            wrong.append(Missing(row.name, f"expected {row.code} {row.message!r}, got {code} {message!r}"))
    beside = {
        "tried": float(len(BAD_REQUESTS) + len(SITUATIONS)),
        "server errors": float(broken),
        "questions put to the approver": float(len(wallet.questions)),
        "grants kept": float(len(wallet.provider.store.list_grants())),
    }
    parts: Parts = [Measured(exact.total(), of="all", beside=beside)]
    parts += [Measured(count, of=f"error {code}") for code, count in sorted(exact.items())]
    return parts + wrong


@figure("ms")
def wallet_grant() -> Measured:
    """Median milliseconds for the wallet to validate, explain, sign and keep one permission, without the decision."""
    import tempfile
    from pathlib import Path

    from delegations.permissions.wallet import SqliteStore
    from tests.unit.permissions.wallet.stage import Wallet

    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "grants.db")
        wallet = Wallet(options={"store": store})
        begun = time.perf_counter()
        seconds = median_call(wallet.request, warm_up=5, count=50)
        rate = 55 / (time.perf_counter() - begun)
        store.close()
    return Measured(seconds * 1000, beside={"a second": rate})
