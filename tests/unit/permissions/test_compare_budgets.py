"""One budget against another, beside two machines that count as the enforcers do and are played second by second."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from delegations.permissions.budgets import Excess, Periods, Stream, exceeds

HORIZON = 26
SMALL = st.integers(0, 9)
ENDS = st.none() | st.integers(0, HORIZON)
PERIODS = st.builds(Periods, amount=SMALL, seconds=st.integers(1, 9), start_at=st.integers(0, 12), end_at=ENDS)
STREAMS = st.builds(
    Stream,
    initial=SMALL,
    most=st.integers(0, 20),
    per_second=st.integers(0, 4),
    start_at=st.integers(0, 12),
    end_at=ENDS,
)


class Machine:
    """An enforcer's state: it says what is left at a moment, and counts what is moved."""

    def __init__(self, budget: Periods | Stream) -> None:
        self.budget = budget
        self.moved: dict[int, int] = {}

    def left(self, at: int) -> int:
        budget = self.budget
        if at < budget.start_at or (budget.end_at is not None and at >= budget.end_at):
            return 0
        if isinstance(budget, Periods):
            period = (at - budget.start_at) // budget.seconds
            return budget.amount - self.moved.get(period, 0)
        unlocked = min(budget.initial + budget.per_second * (at - budget.start_at), budget.most)
        return unlocked - self.moved.get(0, 0)

    def move(self, at: int, amount: int) -> bool:
        budget = self.budget
        if amount > self.left(at):
            return False
        key = (at - budget.start_at) // budget.seconds if isinstance(budget, Periods) else 0
        self.moved[key] = self.moved.get(key, 0) + amount
        return True


def played(granted: Periods | Stream, asked: Periods | Stream, horizon: int) -> bool:
    """Whether taking all there is from some second on is ever denied by the other."""
    for begin in range(horizon):
        giving, taking = Machine(granted), Machine(asked)
        for at in range(begin, horizon):
            amount = giving.left(at)
            if amount <= 0:
                continue
            assert giving.move(at, amount)
            if not taking.move(at, amount):
                return True
    return False


def bounded(budget: Periods | Stream) -> Periods | Stream:
    """The budget ended where the play ends, so that the play sees all of it."""
    end = HORIZON if budget.end_at is None else budget.end_at
    return type(budget)(**{name: getattr(budget, name) for name in budget.__slots__} | {"end_at": end})


@settings(max_examples=400, deadline=None)
@given(granted=PERIODS, asked=PERIODS)
def test_periods_exceed_others_exactly_when_a_play_says_so(granted: Periods, asked: Periods) -> None:
    granted = bounded(granted)
    assert (exceeds(granted, asked) is not None) == played(granted, asked, HORIZON)


@settings(max_examples=400, deadline=None)
@given(granted=STREAMS, asked=STREAMS)
def test_a_stream_exceeds_another_exactly_when_a_play_says_so(granted: Stream, asked: Stream) -> None:
    granted = bounded(granted)
    assert (exceeds(granted, asked) is not None) == played(granted, asked, HORIZON)


@settings(max_examples=150, deadline=None)
@given(
    granted=st.builds(Periods, amount=SMALL, seconds=st.integers(1, 9), start_at=st.integers(0, 12)),
    asked=st.builds(Periods, amount=SMALL, seconds=st.integers(1, 9), start_at=st.integers(0, 12)),
)
def test_periods_without_an_end_are_judged_over_all_time(granted: Periods, asked: Periods) -> None:
    # after both lengths multiplied everything repeats
    assert (exceeds(granted, asked) is not None) == played(granted, asked, 12 + 2 * 81)


@settings(max_examples=200, deadline=None)
@given(granted=STREAMS, asked=STREAMS)
def test_the_moment_named_is_one_at_which_more_is_there(granted: Stream, asked: Stream) -> None:
    found = exceeds(granted, asked)
    if found is not None:
        assert (found.granted, found.asked) == (granted.total(found.at), asked.total(found.at))
        assert found.granted > found.asked


@given(budget=PERIODS | STREAMS)
def test_no_budget_exceeds_itself(budget: Periods | Stream) -> None:
    assert exceeds(budget, budget) is None


def test_a_shorter_period_of_a_smaller_amount_stays_within() -> None:
    month = Periods(amount=100, seconds=2_592_000, start_at=0)
    assert exceeds(Periods(amount=3, seconds=86_400, start_at=0), month) is None


def test_one_unit_a_day_more_is_too_much_within_a_month() -> None:
    month = Periods(amount=100, seconds=2_592_000, start_at=0)
    found = exceeds(Periods(amount=4, seconds=86_400, start_at=0), month)
    assert found == Excess(at=2_591_999, granted=120, asked=100)


def test_periods_that_begin_at_another_hour_allow_twice_the_amount_within_one() -> None:
    day = Periods(amount=10, seconds=86_400, start_at=0)
    found = exceeds(Periods(amount=10, seconds=86_400, start_at=86_400 + 3_600), day)
    assert found is not None
    assert (found.granted, found.asked) == (20, 10)


def test_periods_a_whole_number_later_stay_within() -> None:
    day = Periods(amount=10, seconds=86_400, start_at=0)
    assert exceeds(Periods(amount=10, seconds=86_400, start_at=3 * 86_400), day) is None


def test_a_crowded_period_years_ahead_is_found_at_once() -> None:
    # two coprime lengths: they fall apart by one second in each period
    asked = Periods(amount=10, seconds=86_400, start_at=0)
    granted = Periods(amount=10, seconds=86_401, start_at=0)
    found = exceeds(granted, asked)
    assert found is not None
    assert found.granted == 20
    late = Periods(amount=5, seconds=43_200, start_at=0)
    assert exceeds(late, asked) is None


def test_a_stream_and_periods_never_hold_each_other() -> None:
    stream, periods = Stream(1, 10, 1, 5), Periods(1, 1, 5)
    assert exceeds(stream, periods) is not None
    assert exceeds(periods, stream) is not None
