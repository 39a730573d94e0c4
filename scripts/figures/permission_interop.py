"""ERC-7715 beside the TypeScript kit: whose grants the other side redeems, and what is denied afterwards."""

from __future__ import annotations

from scripts.figures.harness import Measured, Missing, Parts, figure


@figure("permission types")
def permission_interop() -> Parts:
    """Permission types whose grant the other side redeemed on anvil, was denied beyond its bounds, and denied once it
    was revoked; in each direction, on the official bytecode, over HTTP."""
    from tests.conformance.permission_peers import cases, life_at_our_wallet, life_at_the_kits_wallet, peers

    directions = {
        "the kit redeems what our wallet granted": life_at_our_wallet,
        "we redeem what the kit granted": life_at_the_kits_wallet,
    }
    parts: Parts = []
    with peers() as met:
        known = cases(met.chain.token)
        for name, live in directions.items():
            lives = {kind: live(met, case) for kind, case in known.items()}
            beside = {
                part: float(sum(getattr(life, part) for life in lives.values()))
                for part in next(iter(lives.values()))._fields
            }
            parts.append(
                Measured(
                    sum(map(all, lives.values())),
                    peer="the TypeScript kit",
                    of=name,
                    beside={"of": len(known), **beside},
                )
            )
            parts += [Missing(f"{name}: {kind}", f"it went {life}") for kind, life in lives.items() if not all(life)]
    return parts
