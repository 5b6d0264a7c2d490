"""The independent computation, held against histories that were worked out by hand and against sums that no rule has touched."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

import pytest
from independent import make_excerpt
from independent.gift_shop import Account, Event, Line, Purchase, Result, Rules, evaluate, evaluate_all, line_totals

END = date(2011, 12, 9)
needs_data = pytest.mark.skipif(make_excerpt.data_dir() is None, reason="the two data files are not here; CUSTRULES_DATA names their folder")


def event(kind: str, at: str, *lines: str) -> Event:
    """`lines` are "sku quantity amount", or "- quantity amount" where the article is not known; a day alone is noon of that day."""
    split = [line.split() for line in lines]
    rows = [{"quantity": quantity, "amount": amount} | ({} if sku == "-" else {"sku": sku}) for sku, quantity, amount in split]
    return {"type": kind, "id": f"{kind} {at}", "customer_id": "1", "occurred_at": at if "T" in at else f"{at}T12:00:00Z", "lines": rows}


def bought(at: str, *lines: str) -> Event:
    return event("purchase", at, *lines)


def returned(at: str, *lines: str) -> Event:
    return event("return", at, *lines)


def held(result: Result) -> tuple[str, date, date | None]:
    return result.level, result.since, result.until


def points(result: Result) -> tuple[int, int, int]:
    return result.usable, result.pending, result.expired


# Purchases of 600.00 on 5 January (600 points at rate 1), of 500.00 on 8 February (still rate 1, twice on the 8th: 1000 points) and of 10.99
# on 1 March (silver: 10.99 x 5/4 = 13.7375, so 13). Silver from 8 February, with 1100.00 spent, to the end of February a year on.
RISING = [bought("2010-01-05", "A 1 600.00"), bought("2010-02-08", "A 1 500.00"), bought("2010-03-01", "A 1 10.99")]


def test_a_purchase_earns_at_the_level_held_before_it_and_twice_on_the_eighth() -> None:
    assert evaluate(RISING, date(2010, 3, 31)).issued == 600 + 1000 + 13


def test_a_level_is_reached_at_once_and_held_to_the_end_of_the_month_a_year_on() -> None:
    assert held(evaluate(RISING, date(2010, 3, 31))) == ("silver", date(2010, 2, 8), date(2011, 2, 28))


def test_points_are_pending_for_fourteen_days_after_the_day_of_purchase() -> None:
    assert points(evaluate(RISING[:1], date(2010, 1, 19))) == (0, 600, 0)  # 5 + 14
    assert points(evaluate(RISING[:1], date(2010, 1, 20))) == (600, 0, 0)


def test_points_lapse_when_the_month_six_months_on_is_over() -> None:
    assert points(evaluate(RISING, date(2010, 7, 31))) == (1613, 0, 0)
    assert points(evaluate(RISING, date(2010, 8, 1))) == (1013, 0, 600)


def test_the_day_of_a_purchase_is_the_day_in_london() -> None:
    history = [bought("2010-06-07T23:30:00Z", "A 1 10.00")]  # 00:30 on 8 June, British Summer Time
    assert evaluate(history, date(2010, 6, 8)).issued == 20


# 6000.00 on 15 December 2009: gold to 31 December 2010. Of the year to that day 15 December 2009 is no part: spend 0.
FALLING = [bought("2009-12-15", "A 1 6000.00")]


@pytest.mark.parametrize(
    ("day", "level"),
    [
        (date(2010, 12, 31), ("gold", date(2009, 12, 15), date(2010, 12, 31))),
        (date(2011, 1, 1), ("silver", date(2011, 1, 1), date(2011, 12, 31))),
        (date(2012, 1, 1), ("member", date(2012, 1, 1), None)),
    ],
)
def test_without_events_a_level_falls_one_step_at_each_review(day: date, level: tuple[str, date, date | None]) -> None:
    assert held(evaluate(FALLING, day)) == level


def test_the_day_twelve_months_before_is_not_part_of_the_year() -> None:
    assert held(evaluate([bought("2010-01-31", "A 1 1000.00")], date(2011, 2, 1))) == ("member", date(2011, 2, 1), None)


def test_a_level_that_is_kept_runs_on_from_the_day_it_was_reached() -> None:
    # the year to 31 January 2011 begins on 1 February 2010: 800.00 of June, just what keeps silver
    history = [bought("2010-01-20", "A 1 1000.00"), bought("2010-06-01", "A 1 800.00")]
    assert held(evaluate(history, date(2011, 2, 1))) == ("silver", date(2010, 1, 20), date(2012, 1, 31))


def test_a_penny_less_than_what_keeps_a_level_loses_it_at_the_review() -> None:
    history = [bought("2010-01-20", "A 1 1000.00"), bought("2010-06-01", "A 1 799.99")]
    assert held(evaluate(history, date(2011, 2, 1))) == ("member", date(2011, 2, 1), None)


def test_a_return_without_article_finds_the_price_and_takes_level_and_points_at_once() -> None:
    # 1020 points; 20.00 are kept, worth 20, so 1000 go back; 20.00 is no silver, neither on 1 nor on 20 March
    history = [bought("2010-03-01", "X 2 20.00", "Y 1 1000.00"), returned("2010-03-20", "- 1 1000.00")]
    result = evaluate(history, date(2010, 3, 20))
    assert held(result) == ("member", date(2010, 3, 20), None)
    assert (result.taken_back, result.usable, result.unmatched) == (1000, 20, 0)


def test_a_level_survives_a_return_where_today_still_earns_it() -> None:
    # as of 5 January 1000 - 300 = 700.00: no silver; as of 1 February 1200.00: silver
    history = [bought("2010-01-05", "A 1 1000.00"), bought("2010-01-20", "B 1 500.00"), returned("2010-02-01", "A 1 300.00")]
    assert held(evaluate(history, date(2010, 2, 1))) == ("silver", date(2010, 1, 5), date(2011, 1, 31))


def test_a_level_survives_a_return_where_the_day_it_was_reached_still_earns_it() -> None:
    # as of 20 January 2010 1000.00: silver; as of 25 January 2011 nothing is left of the year
    history = [bought("2010-01-20", "A 1 1000.00"), bought("2011-01-10", "B 1 100.00"), returned("2011-01-25", "B 1 100.00")]
    assert held(evaluate(history, date(2011, 1, 25))) == ("silver", date(2010, 1, 20), date(2011, 1, 31))


def test_a_level_that_was_fallen_to_is_not_touched_by_a_return() -> None:
    history = [*FALLING, bought("2010-12-20", "B 1 100.00"), returned("2011-01-05", "B 1 100.00")]
    assert held(evaluate(history, date(2011, 1, 5))) == ("silver", date(2011, 1, 1), date(2011, 12, 31))


def test_a_return_takes_from_the_latest_purchase_first_and_keeps_what_finds_none() -> None:
    # 35.00 of X: 10.00 of the 10th, 20.00 of the 1st, 5.00 of nothing; the other article of the 1st (3.00, another price) stays: 3 of 33 points
    history = [bought("2010-03-01", "X 2 20.00", "Z 1 3.00"), bought("2010-03-10", "X 1 10.00"), returned("2010-03-20", "X 3 35.00")]
    result = evaluate(history, date(2010, 3, 31))
    assert (result.purchases - result.returns, result.unmatched) == (-200, 500)
    assert (result.issued, result.taken_back, result.usable) == (33, 30, 3)


def test_a_return_of_a_part_leaves_the_older_purchase_alone() -> None:
    # 4.00 of the 10.00 of the 10th (double: it is worth 2 x 6 = 12 of 20 points), nothing of the 1st
    history = [bought("2010-03-01", "X 2 20.00"), bought("2010-03-08", "X 1 10.00"), returned("2010-03-20", "X 1 4.00")]
    assert evaluate(history, date(2010, 3, 20)).taken_back == 8


def test_what_two_returns_take_back_is_counted_once() -> None:
    # 9.99 at rate 1: 9 points; 6.66 are kept: 6; 3.33 are kept: 3. So 3 points go back, and 3 more
    history = [bought("2010-03-01", "X 3 9.99"), returned("2010-03-20", "X 1 3.33"), returned("2010-03-21", "X 1 3.33")]
    assert evaluate(history, date(2010, 3, 21)).taken_back == 6


@pytest.mark.parametrize(("day", "unmatched"), [("2010-04-01", 0), ("2010-04-02", 1000)])
def test_a_purchase_can_be_returned_until_its_ninetieth_day(day: str, unmatched: int) -> None:
    assert evaluate([bought("2010-01-01", "X 1 10.00"), returned(day, "X 1 10.00")], date(2010, 4, 2)).unmatched == unmatched


def test_the_part_of_a_lot_that_lapsed_is_forgiven() -> None:
    # expiry of one month: 100 points lapse on 1 March; 40.00 come back on the 15th, 60 points are kept, the 40 have lapsed already
    history = [bought("2010-01-05", "X 1 100.00"), returned("2010-03-15", "X 1 40.00")]
    result = evaluate(history, date(2010, 3, 31), Rules(expiry_months=1))
    assert (result.expired, result.forgiven, result.taken_back, result.owed) == (100, 40, 0, 0)


def test_each_lapsed_point_is_forgiven_once() -> None:
    # of 100 points 50 were spent and 50 lapsed; two returns of 40 points: 40 and 10 are forgiven, 30 are owed
    half = lot(date(2010, 1, 1), 50)
    account = Account([half])
    account.open_day(date(2010, 7, 1))
    for left in (60_00, 20_00):
        half.lines[0].left = left
        account.take_back(half, date(2010, 7, 2))
    assert (account.expired, account.forgiven, account.owed) == (50, 50, 30)


def test_a_lot_is_there_on_its_last_day() -> None:
    account = Account([lot(date(2010, 1, 1), 50)])
    account.open_day(date(2010, 6, 30))
    assert (account.expired, len(account.usable(date(2010, 6, 30)))) == (0, 1)


def lot(day: date, remaining: int) -> Purchase:
    """A purchase of 100.00, a point per pound, of whose points `remaining` are still there; the last usable day is 30 June."""
    line = Line("X", Fraction(1), 100_00, 100_00)
    return Purchase(day, [line], Fraction(1), date(2010, 6, 30), awarded=100, remaining=remaining)


def test_what_no_lot_can_give_back_is_owed_and_paid_by_the_next_lot_that_matures() -> None:
    # 50 points back: 10 of its own lot, 15 of the usable one, none of the pending one: 25 are owed; that one matures on 16 March and pays them
    spent, usable, pending = lot(date(2010, 1, 1), 10), lot(date(2010, 1, 2), 15), lot(date(2010, 3, 1), 100)
    account = Account([spent, usable, pending])
    spent.lines[0].left = 50_00
    account.take_back(spent, date(2010, 3, 15))
    assert (account.taken_back, account.owed, pending.remaining) == (25, 25, 100)
    account.open_day(date(2010, 3, 16))
    assert (account.settled, account.owed, pending.remaining) == (25, 0, 75)


def test_a_history_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="in order of time"):
        evaluate([RISING[1], RISING[0]], END)


@pytest.fixture(scope="module")
def excerpt() -> list[Event]:
    return list(make_excerpt.excerpt())


def spent_and_returned(results: dict[str, Result]) -> dict[str, tuple[int, int]]:
    return {customer: (result.purchases, result.returns) for customer, result in results.items()}


def keys(events: list[Event]) -> Iterator[tuple[str, str, str]]:
    return ((event["customer_id"], event["occurred_at"], event["id"]) for event in events)


def test_the_excerpt_fits_its_limit() -> None:
    assert make_excerpt.EXCERPT.stat().st_size <= make_excerpt.LIMIT


def test_the_excerpt_is_sorted_and_names_no_event_twice(excerpt: list[Event]) -> None:
    assert list(keys(excerpt)) == sorted(keys(excerpt))
    assert len({(event["customer_id"], event["id"]) for event in excerpt}) == len(excerpt)


def test_the_events_of_the_excerpt_add_up_to_its_lines(excerpt: list[Event]) -> None:
    assert spent_and_returned(evaluate_all(excerpt, END)) == line_totals(excerpt)


@needs_data
def test_the_excerpt_is_every_tenth_customer_of_the_data(excerpt: list[Event]) -> None:
    assert excerpt == list(make_excerpt.every(10, make_excerpt.whole()))


@needs_data
def test_the_events_of_both_years_add_up_to_the_raw_rows() -> None:
    assert line_totals(make_excerpt.whole()) == make_excerpt.raw_totals()


@needs_data
def test_the_two_years_share_no_event_and_leave_none_out() -> None:
    first, second = (set(keys(list(make_excerpt.events([year])))) for year in make_excerpt.YEARS)
    assert not first & second
    assert first | second == set(keys(list(make_excerpt.whole())))
