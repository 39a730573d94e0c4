"""Who said no: how often the verdict names exactly what was put there."""

from __future__ import annotations

from scripts.figures.harness import Measured, Missing, Parts, figure

CASES = 570


@figure("denials")
def denial_attribution() -> Parts:
    """Denials whose place was drawn before the chain was asked: named exactly, of those tried; a wrong one is an
    error."""
    parts: Parts = [*_by_the_tree()]
    for carries, how in ((True, "hook by hook on carried state"), (False, "hook by hook, each alone")):
        parts += _hook_by_hook(how, carries=carries)
    return [*parts, *_by_the_table()]


def _by_the_tree() -> Parts:
    from tests.simulation.denials import KINDS, draw_cases

    cases = list(draw_cases(CASES))
    wrong = [case.kind for case in cases if case.ask() != case.expected]
    counted: dict[str, float] = {
        "of": len(cases),
        "kinds": len(KINDS),
        "contexts": sum(len(case.redemptions) for case in cases),
    }
    parts: Parts = [Measured(len(cases) - len(wrong), of="drawn places, from the call tree", beside=counted)]
    return parts + [Missing(kind, "the verdict names another place than the one drawn") for kind in wrong]


def _hook_by_hook(how: str, *, carries: bool) -> Parts:
    """The same cases on an engine that tells success and return data only."""
    from tests.differential.test_hook_by_hook import Blind, is_less
    from tests.simulation.denials import Place, draw_cases

    exact = less = 0
    wrong = []
    for case in draw_cases(CASES):
        truth = case.denial()
        case.chain.engine = Blind(carries=carries)
        guess = case.denial()
        if guess is not None and Place.of(guess) == case.expected:
            exact += 1
        elif guess is not None and truth is not None and is_less(guess, truth):
            less += 1
        else:
            wrong.append(case.kind)
    parts: Parts = [Measured(exact, of=f"drawn places, {how}", beside={"of": CASES, "said_less": less})]
    return parts + [Missing(f"{how}: {kind}", "what is said contradicts the place drawn") for kind in wrong]


def _by_the_table() -> Parts:
    """The scenarios whose denial is written down with stage and reason."""
    from tests.differential.test_engines import PYEVM, SCENARIOS, answer_of, meaning, steps

    tried = exact = 0
    parts: Parts = []
    for name in SCENARIOS:
        for chain, ask in steps(name):
            if ask.redemptions is None or ask.expect in ("allowed", ""):
                continue
            tried += 1
            said = meaning(chain, ask, answer_of(PYEVM, chain, ask))
            exact += said == ask.expect
            if said != ask.expect:
                parts.append(Missing(name, f"expected {ask.expect}, got {said}"))
    return [Measured(exact, of="scenarios, stage and reason", beside={"of": tried}), *parts]
