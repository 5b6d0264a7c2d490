"""What progress tells: goals with dates, what leaves its window, what time alone brings, benefits, points."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

import custrules as cr
from custrules.conditions import Condition
from custrules.policy import Phase, View
from custrules.standing import Aim, Standing
from custrules.standings import LadderProgress
from custrules.testing import history


def club(**more: Any) -> cr.Program:
    ladder = {
        "id": "levels",
        "kind": "tiers.ladder",
        "levels": [
            {"name": "base", "benefits": [{"name": "price", "factor": "0.95"}]},
            {
                "name": "silver",
                "enter": {"spend": ">= 1500"},
                "keep": {"spend": ">= 1000"},
                "benefits": [
                    {"name": "upsize", "title": {"en": "free upsize", "zh": "免费升杯"}, "quantity": 2, "per": "calendar month"},
                    {"name": "cake", "quantity": 1, "per": "birthday year"},
                    {"name": "valet", "quantity": 1, "per": "30 days"},
                    {"name": "lounge", "quantity": 3, "per": "lifetime"},
                    {"name": "sundays", "quantity": 1, "per": "calendar week", "when": {"weekday": "sunday"}},
                    {"name": "hotline", "response": "24 hours"},
                    {"name": "agent"},
                    {"name": "rise", "points": 50},
                ],
            },
            {"name": "gold", "enter": {"spend": ">= 5000"}},
        ],
        "term": "6 months",
        "downgrade": "one_level",
        "exclude": [{"when": {"segment": "staff"}, "reason": "employees have no level"}],
    }
    account = {"id": "points", "kind": "points.account", "expiry": "2 months", "pending": "7 days"}
    earn = {"id": "earn", "kind": "points.accrual", "points_per_unit": 1}
    return cr.Program(
        id="club",
        zone="Europe/London",
        currency="GBP",
        profile={"birthday": {"type": "birthday"}, "segment": {"type": "text", "values": ["staff", "regular"]}},
        measures={"spend": {"sum": "spend", "window": "90 days"}, "this_month": {"sum": "spend", "window": "this calendar month"}},
        policies=[{**ladder, **more}, account, earn],
    )


def only(program: cr.Program, state: cr.State, **options: Any) -> LadderProgress:
    (ladder,) = program.progress(state, **options).ladders
    return ladder


def test_what_is_counted_now_leaves_the_window_on_a_day() -> None:
    program = club()
    ladder = only(program, history(program).on("2026-02-07").purchase("1200").on("2026-03-01").purchase("200").state)
    assert ladder.next is not None
    # 7 February + 90 days = 8 May; 1 March + 90 days = 30 May
    assert [(drop.on, str(drop.lost), str(drop.before)) for drop in ladder.next.drops] == [
        (date(2026, 5, 8), "1200.00 GBP", "1400.00 GBP"),
        (date(2026, 5, 30), "200.00 GBP", "200.00 GBP"),
    ]
    assert ladder.next.deadline == date(2026, 5, 29)
    assert "1200.00 GBP of 1400.00 GBP drop out on 2026-05-08" in cr.render(
        program.progress(history(program).on("2026-02-07").purchase("1200").on("2026-03-01").purchase("200").state)
    )


def test_a_calendar_window_ends_at_once() -> None:
    program = club(levels=[{"name": "base"}, {"name": "silver", "enter": {"this_month": ">= 1500"}}])
    ladder = only(program, history(program).on("2026-02-07").purchase("1200").state)
    assert ladder.next is not None
    assert (ladder.next.deadline, ladder.next.holds_from) == (date(2026, 2, 28), date(2026, 2, 7))


def test_what_keeping_asks_for_says_what_will_be_gone_by_then() -> None:
    program = club()
    ladder = only(program, history(program).on("2026-02-07").purchase("1500").state)
    assert ladder.keep is not None
    # the term ends on 7 August: 7 February is long out of the 90 days before it
    assert (ladder.keep.by, ladder.keep.holds_from, [str(row.gap) for row in ladder.keep.missing]) == (
        date(2026, 8, 7),
        date(2026, 8, 8),
        ["1000.00 GBP"],
    )
    assert [(drop.on, str(drop.lost)) for drop in ladder.keep.drops] == [(date(2026, 5, 8), "1500.00 GBP")]


def test_the_level_as_things_stand_is_what_time_will_bring() -> None:
    program = club()
    state = history(program).on("2026-02-07").purchase("1500").state
    ladder = only(program, state)
    assert [(change.on, change.level, [why.code for why in change.reasons]) for change in ladder.coming] == [
        (date(2026, 8, 8), "base", ["tiers.downgrade.one_level"])
    ]
    lived = program.advance(state, datetime(2026, 8, 8, 12, tzinfo=UTC)).state.tier()
    assert lived is not None
    assert lived.name == "base"
    assert "If nothing happens: base from 2026-08-08." in cr.render(program.progress(state))


def test_a_horizon_may_be_chosen() -> None:
    program = club()
    progress = program.progress(history(program).on("2026-02-07").purchase("1500").state, until=date(2026, 8, 7))
    assert (progress.until, progress.ladders[0].coming) == (date(2026, 8, 7), ())


def test_a_term_that_ends_later_than_a_year_on_is_looked_at_to_its_end() -> None:
    program = club(term="20 months")
    ladder = only(program, history(program).on("2026-02-07").purchase("1500").state)
    assert [(change.on, change.level) for change in ladder.coming] == [(date(2027, 10, 8), "base")]


def test_a_ladder_with_review_days_names_the_next_one() -> None:
    program = club(upgrade="at_review", review={"every": "month", "day": 5})
    ladder = only(program, history(program).on("2026-02-07").purchase("1500").state)
    assert ladder.next is not None
    assert (ladder.review, ladder.next.by, ladder.next.met) == (date(2026, 3, 5), date(2026, 3, 5), True)
    assert (ladder.coming[0].on, ladder.coming[0].level) == (date(2026, 3, 5), "silver")


def test_points_are_told_by_when_they_become_usable_and_lapse() -> None:
    program = club()
    state = history(program).on("2026-01-10").purchase("100").on("2026-02-01").purchase("30").state
    (account,) = program.progress(state).accounts
    # + 2 months is the last day; pending through the 7th day after
    assert account.expiring == ((date(2026, 3, 10), 100), (date(2026, 4, 1), 30))
    assert account.usable == ((date(2026, 2, 9), 30),)
    assert (account.available, account.pending) == (100, 30)


def test_benefits_are_told_with_what_is_left() -> None:
    program = club()
    bought = history(program).on("2026-02-07").purchase("1500").event("redemption", reward="upsize").event("redemption", reward="valet")
    found = {benefit.name: benefit for benefit in only(program, bought.state).benefits}
    assert list(found) == ["upsize", "cake", "valet", "lounge", "sundays", "hotline", "agent", "rise"]
    upsize, valet, lounge = found["upsize"], found["valet"], found["lounge"]
    assert (upsize.quantity, upsize.used, upsize.left, upsize.until, upsize.again) == (2, 1, 1, date(2026, 2, 28), None)
    assert (valet.left, valet.until, valet.again) == (0, None, date(2026, 3, 9))  # 7 February + 30 days
    assert (lounge.left, lounge.until) == (3, None)
    assert (found["cake"].quantity, found["cake"].left) == (1, None)  # no birthday is known
    assert not found["sundays"].holds  # 7 February 2026 is a Saturday


def test_benefits_are_told_in_both_languages() -> None:
    program = club()
    progress = program.progress(history(program).on("2026-02-07").purchase("1500").event("redemption", reward="valet").state)
    english, chinese = cr.render(progress).splitlines(), cr.render(progress, "zh").splitlines()
    assert "  free upsize: 2 of 2 left per calendar month, until 2026-02-28." in english
    assert "  valet: 0 of 1 left per 30 days; again from 2026-03-09." in english
    assert "  hotline: an answer within 24 hours." in english
    assert "  免费升杯：每自然月 2 次，剩 2 次，有效至 2026-02-28。" in chinese
    assert "  hotline：在 24 小时内答复。" in chinese


def test_everybodys_benefits_are_told_before_anything_is_bought() -> None:
    program = club()
    ladder = only(program, history(program).on("2026-02-07").visit().state)
    assert [(benefit.name, str(benefit.factor)) for benefit in ladder.benefits] == [("price", "19/20")]


def test_the_excluded_are_told_why_by_progress_and_by_explain() -> None:
    program = club()
    state = history(program).on("2026-02-07").enrolment(segment="staff").state
    ladder = only(program, state)
    assert ladder.why is not None
    assert (ladder.level, ladder.why.params["why"], ladder.benefits) == (None, "employees have no level", ())
    event = program.event({"type": "visit", "id": "v", "customer_id": "c-1", "occurred_at": "2026-02-08T12:00:00Z"})
    (entry,) = [entry for entry in program.explain(state, event).entries if entry.policy_id == "levels"]
    assert (entry.outcome, [why.code for why in entry.reasons]) == (None, ["tiers.exclusion.applied"])


def test_progress_is_json() -> None:
    program = club()
    data = json.loads(program.progress(history(program).on("2026-02-07").purchase("1500").state).to_json())
    (ladder,) = data["ladders"]
    assert (ladder["level"], ladder["keep"]["by"], ladder["coming"][0]["level"]) == ("silver", "2026-08-07", "base")
    assert ladder["benefits"][0] == {
        "name": "upsize",
        "kind": "uses",
        "holds": True,
        "title": {"en": "free upsize", "zh": "免费升杯"},
        "quantity": 2,
        "used": 0,
        "left": 2,
        "per": "calendar month",
        "until": "2026-02-28",
        "again": None,
    }


def test_progress_changes_nothing() -> None:
    program = club()
    state = history(program).on("2026-02-07").purchase("1500").state
    before = state.to_json()
    program.progress(state)
    assert state.to_json() == before


class Shelf(cr.Policy):
    """A toy that offers one reward for points, to whoever spent enough."""

    kind: ClassVar[str] = "toy.shelf"
    phase: ClassVar[Phase] = "pay"
    hears: ClassVar[tuple[str, ...] | None] = ()
    points: Decimal
    when: Condition

    def decide(self, event: Any, view: View, /) -> None:
        return None

    def progress(self, view: View, /) -> Standing:
        return Standing(aims=(Aim("reward", "towel", self.when, points=self.points),))


@pytest.mark.parametrize(("points", "asked", "met", "short", "missing"), [(100, "10", True, 0, []), (150, "2000", False, 50, ["1900.00 GBP"])])
def test_a_policy_tells_what_its_reward_lacks(points: int, asked: str, met: bool, short: int, missing: list[str]) -> None:
    data = club().document_data()
    shelf = Shelf(id="shelf", points=Decimal(points), when=Condition.of({"spend": f">= {asked}"}))
    sections = {name: data[name] for name in ("zone", "currency", "profile", "measures")}
    program = cr.Program(id="club", policies=[*data["policies"], shelf], kinds={"toy.shelf": Shelf}, **sections)
    (reward,) = program.progress(history(program).on("2026-01-10").purchase("100").day_end("2026-01-20").state).rewards
    assert (reward.reward, reward.met, reward.short, [str(row.gap) for row in reward.missing]) == ("towel", met, short, missing)
    assert cr.render(reward_progress(program)).splitlines()[-1 - len(missing)].startswith("towel (shelf)")


def reward_progress(program: cr.Program) -> Any:
    return program.progress(history(program).on("2026-01-10").purchase("100").day_end("2026-01-20").state)


# -- seams: qualifying years, older names, rewards, accounts that end ---------------------------------------------------

GOLDEN = Path(__file__).parent / "golden"


def test_with_qualifying_years_a_level_is_kept_by_the_last_complete_one() -> None:
    # reached in 2026, held to 29 February 2028: judged by 2027
    program = cr.load(GOLDEN / "qualifying.yaml")
    told = history(program).on("2026-06-01").purchase("2000").on("2027-06-01").purchase("1500")
    keep = only(program, told.state).keep
    assert keep is not None
    assert (keep.by, keep.deadline, keep.met) == (date(2028, 2, 29), date(2027, 12, 31), False)
    assert [str(row.gap) for row in keep.missing] == ["500.00 GBP"]


def test_once_that_year_is_over_the_running_one_may_still_be_enough() -> None:
    program = cr.load(GOLDEN / "qualifying.yaml")
    told = history(program).on("2026-06-01").purchase("2000").on("2028-01-15").purchase("1500")
    keep = only(program, told.state).keep
    assert keep is not None
    assert (keep.deadline, keep.met, [str(row.gap) for row in keep.missing]) == (date(2028, 2, 29), False, ["500.00 GBP"])
    enough = only(program, told.on("2028-02-01").purchase("500").state).keep
    assert enough is not None
    assert (enough.met, enough.missing) == (True, ())


def test_a_ladder_with_qualifying_years_asks_for_what_keeps_a_level_where_its_measure_has_another_window() -> None:
    # silver to 7 August 2026, judged as of that day by 90 days, of which the last complete year knows nothing
    keep = only(club(qualifying_year="calendar"), history(club()).on("2026-02-07").purchase("1500").state).keep
    assert keep is not None
    assert [(str(row.cell), str(row.gap)) for row in keep.missing] == [(">= 1000", "1000.00 GBP")]
    assert (keep.by, keep.deadline) == (date(2026, 8, 7), date(2026, 8, 7))


@pytest.mark.parametrize(("bought", "missing"), [("1300", ["700.00 GBP"]), ("2000", ["2000.00 GBP"]), ("4000", [])])
def test_what_will_be_carried_over_counts_for_keeping_a_level(bought: str, missing: list[str]) -> None:
    # held to 29 February 2028 and judged by 2027. Silver asks for 1000 a year: 300 of 1300 are carried over, 1000 - 300 are missing.
    # Gold asks for 2000: of 2000 nothing is carried over, of 4000 all that it takes
    program = cr.load(GOLDEN / "qualifying.yaml")
    keep = only(program, history(program).on("2026-06-01").purchase(bought).state).keep
    assert keep is not None
    assert ([str(row.gap) for row in keep.missing], keep.met) == (missing, not missing)
    assert keep.deadline == date(2027, 12, 31)


def test_what_a_review_asks_for_is_told_as_of_the_review() -> None:
    # January's spend has left the month by the review on 5 February, which opens before anything of that day is counted
    program = club(
        upgrade="at_review",
        review={"every": "month", "day": 5},
        levels=[{"name": "base"}, {"name": "silver", "enter": {"this_month": ">= 100"}}],
    )
    goal = only(program, history(program).on("2026-01-20").purchase("90").state).next
    assert goal is not None
    assert ([str(row.gap) for row in goal.missing], goal.by, goal.deadline, goal.holds_from) == (
        ["100.00 GBP"],
        date(2026, 2, 5),
        date(2026, 2, 4),
        date(2026, 2, 5),
    )


TERMS: tuple[Any, ...] = (
    "12 months",
    {"length": "3 months", "rounded_to": "end_of_month"},
    {"length": "14 months", "from": "end_of_qualifying_year"},
    {"length": "12 months", "from": "join_date"},
    {"length": "6 months", "from": "04-01", "minimum": "1 month"},
)


@pytest.mark.parametrize("years", ["calendar", "membership"])
@pytest.mark.parametrize("term", TERMS, ids=str)
@pytest.mark.parametrize("window", ["90 days", "12 months", "qualifying year", "membership year", "this calendar year"])
def test_what_is_told_to_be_missing_is_what_keeps_a_level_when_it_is_spent_by_the_day_that_is_told(window: str, term: Any, years: str) -> None:
    # whatever the amount is: it keeps the level, and a penny less does not
    rows = [{"name": "base"}, {"name": "silver", "enter": {"spend": ">= 100"}, "keep": {"spend": ">= 60"}}]
    ladder = {"id": "levels", "kind": "tiers.ladder", "qualifying_year": years, "levels": rows, "term": term, "downgrade": "one_level"}
    measures = {"spend": {"sum": "spend", "window": window}}
    own = cr.Program(id="law", zone="Europe/London", currency="GBP", measures=measures, policies=[ladder])
    told = history(own).on("2026-05-20").purchase("70").on("2026-06-02").purchase("35").day_end("2026-06-09")
    ladder_told = only(own, told.state)
    keep = ladder_told.keep
    assert keep is not None
    assert keep.deadline is not None
    assert ladder_told.until is not None
    if keep.met:
        assert only(own, told.day_end(str(ladder_told.until + timedelta(days=1))).state).level == "silver"
        return
    gap = Decimal(str(keep.missing[0].gap).split()[0])
    for less, level in ((Decimal(0), "silver"), (Decimal("0.01"), "base")):
        then = told.on(str(keep.deadline)).purchase(str(gap - less)).day_end(str(ladder_told.until + timedelta(days=1)))
        assert only(own, then.state).level == level


def test_a_level_is_told_by_its_new_name_on_the_day_on_which_it_is_renamed() -> None:
    silver, later = {"name": "silver", "enter": {"spend": ">= 100"}}, {"name": "star", "was": "silver", "enter": {"spend": ">= 100"}}
    ladder = {"id": "levels", "kind": "tiers.ladder", "term": "6 months", "downgrade": "one_level"}
    program = cr.Program(
        id="renamed",
        zone="Europe/London",
        currency="GBP",
        measures={"spend": {"sum": "spend", "window": "90 days"}},
        policies=[
            {**ladder, "levels": [{"name": "base"}, silver]},
            {**ladder, "levels": [{"name": "base"}, later], "effective_from": "2026-03-01"},
        ],
    )
    told = history(program).on("2026-02-07").purchase("100").day_end("2026-03-01")
    ladder_told = only(program, told.state)
    assert ladder_told.keep is not None
    assert (ladder_told.level, ladder_told.keep.level, ladder_told.next) == ("star", "star", None)


def test_a_watch_and_an_older_versions_terms_are_told_beside_the_level() -> None:
    rules = {
        "id": "levels",
        "kind": "tiers.ladder",
        "levels": [{"name": "base"}, {"name": "silver", "enter": {"spend": ">= 100"}}],
        "downgrade": "one_level",
        "review": {"every": "month", "day": 5},
        "watch": {"after": "1 review below", "lasts": "3 reviews"},
    }
    program = cr.Program(id="w", zone="Europe/London", currency="GBP", measures={"spend": {"sum": "spend", "window": "30 days"}}, policies=[rules])
    ladder = only(program, history(program).on("2026-01-10").purchase("100").day_end("2026-03-05").state)
    # the first low review, on 5 March, sets the watch; its third review is on 5 June
    assert [(note.name, note.value, note.since, note.until) for note in ladder.beside] == [("watch", "watch", date(2026, 3, 5), date(2026, 6, 4))]
    assert "Under watch since 2026-03-05" in cr.render(
        program.progress(history(program).on("2026-01-10").purchase("100").day_end("2026-03-05").state)
    )


def with_rewards() -> cr.Program:
    data = club().document_data()
    rewards = [
        {"name": "mug", "points": 60, "money": "2.00"},
        {"name": "bag", "points": 150, "when": {"spend": ">= 200"}},
        {"name": "card", "points": 10, "limits": [{"times": 1, "per": "calendar year"}]},
        {"name": "egg", "points": 10, "first_day": "2026-04-01"},
    ]
    credits = {"id": "credits", "kind": "points.account", "expiry": "6 months", "purpose": "rank"}
    more: list[dict[str, Any]] = [credits, {"id": "earn-credits", "kind": "points.accrual", "account": "credits", "points_per_unit": 1}]
    pay = {"id": "shelf", "kind": "points.redemption", "rewards": rewards}
    sections = {name: data[name] for name in ("zone", "currency", "profile", "measures")}
    return cr.Program(id="club", policies=[*data["policies"], *more, pay], **sections)


def test_rewards_are_told_with_their_prices_and_what_stands_against_them() -> None:
    program = with_rewards()
    told = history(program).on("2026-01-10").purchase("100").on("2026-01-20").redemption(reward="card")
    mug, bag, card, egg = program.progress(told.state).rewards
    assert (mug.met, mug.points, mug.short, mug.money, mug.reasons) == (True, Decimal(60), Decimal(0), cr.Money("2.00", "GBP"), ())
    assert (bag.met, bag.short, [str(row.gap) for row in bag.missing], bag.reasons) == (False, 60, ["100.00 GBP"], ())
    assert (card.met, card.short, [why.code for why in card.reasons]) == (False, 0, ["points.redemption.too_often"])
    assert (egg.met, [why.code for why in egg.reasons]) == (False, ["points.redemption.not_yet_offered"])
    lines = cr.render(program.progress(told.state)).splitlines()
    assert "mug (shelf) can be had now." in lines
    assert "bag (shelf) costs 150: 60 are missing." in lines
    assert json.loads(program.progress(told.state).to_json())["rewards"][0]["money"] == "2.00 GBP"


def test_credits_that_only_rank_are_not_told_as_points_to_spend() -> None:
    program = with_rewards()
    progress = program.progress(history(program).on("2026-01-10").purchase("100").state)
    assert [(account.account, account.purpose) for account in progress.accounts] == [("points", "spend"), ("credits", "rank")]
    assert "credits: 100 that count for levels, 0 pending, 0 owed." in cr.render(progress).splitlines()
    assert "credits：100 计入定级（不可使用），待生效 0，欠 0。" in cr.render(progress, "zh").splitlines()


@pytest.mark.parametrize("kept", ["keep", "forfeit"])
def test_of_an_account_that_is_closed_there_is_nothing_to_tell(kept: str) -> None:
    data = club().document_data()
    policies = [{**policy, "on_closure": kept} if policy["id"] == "points" else policy for policy in data["policies"]]
    program = cr.Program(id="club", policies=policies, **{name: data[name] for name in ("zone", "currency", "profile", "measures")})
    closed = history(program).on("2026-01-10").purchase("1600").on("2026-02-01").event("closure", reason="asked for")
    progress = program.progress(closed.state)
    assert (progress.day, progress.ladders, progress.accounts, progress.rewards) == (date(2026, 2, 1), (), (), ())
