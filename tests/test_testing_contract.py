"""The contract of policies as a test: every built-in kind keeps it, and each clause finds out a policy that breaks it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from pydantic import ConfigDict, Field, PlainSerializer, PrivateAttr

import custrules as cr
from custrules import messages
from custrules.calendars import ONE_DAY, local_day
from custrules.events import AnyEvent
from custrules.fields import Whole
from custrules.policies import KINDS, built_in
from custrules.policies.points import Account
from custrules.policy import Phase, Posting, reason
from custrules.testing import CLAUSES, BrokenContract, check_policy
from custrules.testing.surroundings import BESIDE

WORDS = {
    "en": {"acme.reminder.set": "Back within {days} days.", "acme.reminder.over": "The time is over.", "acme.reminder.zh_less": "Only here."},
    "zh": {"acme.reminder.set": "{days} 天内再来。", "acme.reminder.over": "已过期。", "acme.reminder.other": "无英文。"},
}
WORDS["en"] |= {"acme.reminder.differs": "{days} days.", "acme.reminder.lacks": "{weeks} weeks.", "short.code": "Short."}
WORDS["zh"] |= {"acme.reminder.differs": "{weeks} 周。", "acme.reminder.lacks": "{weeks} 周。", "short.code": "短。"}


@pytest.fixture(scope="module", autouse=True)
def _sentences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A distribution with the sentences of the toys, as if it were installed."""
    folder = tmp_path_factory.mktemp("distribution")
    info = folder / "acme_reminder_words-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-reminder-words\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[custrules.messages]\nacme = acme_reminder_words\nshort = acme_reminder_words\n")
    (folder / "acme_reminder_words.py").write_text(f"MESSAGES = {WORDS!r}\n", "utf-8")
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture(autouse=True)
def _forgotten(_sentences: None) -> Iterator[None]:
    """Nothing that another test found of this family is remembered, here and afterwards."""
    messages._plugin_catalogue.cache_clear()
    yield
    messages._plugin_catalogue.cache_clear()


Days = Annotated[Whole, Field(description="After how many days it is over.")]


class Reminder(cr.Policy):
    """A purchase asks the customer back within some days; afterwards that is over."""

    kind: ClassVar[str] = "acme.reminder"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "new_day")

    days: Days = 10

    def writes(self) -> tuple[str, ...]:
        return ("acme_reminder",)

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if isinstance(event, cr.Purchase):
            return self.set(event, view)
        return self.over(event, view) if isinstance(event, cr.NewDay) and self.is_over(view) else None

    def set(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        held = cr.Status("acme_reminder", "open", view.settled, view.settled + timedelta(days=self.days))
        return self.applied(event, [reason("acme.reminder.set", days=self.days)], [held])

    def over(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        return self.applied(event, [reason("acme.reminder.over")], [cr.Status("acme_reminder", None, view.day)])

    def until(self, view: cr.View) -> date | None:
        held = view.state.statuses.get(("acme_reminder", ""))
        return held.until if held is not None and held.value is not None else None

    def is_over(self, view: cr.View) -> bool:
        until = self.until(view)
        return until is not None and until < view.day

    def due(self, view: cr.View, /) -> date | datetime | None:
        until = self.until(view)
        return until + ONE_DAY if until is not None else None


# -- each clause and its mutants ---------------------------------------------------------------------------------------


class KindWithoutOwner(Reminder):
    kind: ClassVar[str] = "reminder"


class UnknownPhase(Reminder):
    phase: ClassVar[Any] = "sometime"


class HearsAWordMissspelt(Reminder):
    hears: ClassVar[tuple[str, ...] | None] = ("purchse",)


class HearsAList(Reminder):
    hears: ClassVar[Any] = ["purchase"]


class Thawed(Reminder):
    model_config: ClassVar[ConfigDict] = {"frozen": False}


class Careless(Reminder):
    model_config: ClassVar[ConfigDict] = {"extra": "ignore"}


class FieldForYaml(Reminder):
    on: Annotated[Whole, Field(description="Which day.")] = 1


class Keeper(Reminder):
    _asked: int = PrivateAttr(default=0)


class Undescribed(Reminder):
    words: str = "hello"


class Forgetful(Reminder):
    days: Annotated[int, PlainSerializer(lambda value: value // 10 * 10), Field(description="After how many days it is over.")] = 10


class Unreadable(Reminder):
    days: Annotated[int, PlainSerializer(lambda value: f"{value} days"), Field(description="After how many days it is over.")] = 10


def local() -> type[Reminder]:
    class Local(Reminder):
        """A class that no other process can find."""

    return Local


class Crashing(Reminder):
    def over(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        raise ZeroDivisionError("never mind")


class Overdrawn(Reminder):
    def over(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        return self.applied(event, [reason("acme.reminder.over")], [Posting("points", "world.spent", "points", 0, 5)])


class SomeoneElsesStatus(Reminder):
    def writes(self) -> tuple[str, ...]:
        return ()


class Talkative(Reminder):
    def set(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        return self.applied(event, [reason("acme.reminder.set", days=self.days)], [cr.Signal("friend", "came", {"amount": cr.Money("1 EUR")})])  # type: ignore[dict-item]  # that is the fault


_ASKED = count()


class Counting(Reminder):
    def set(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        return self.applied(event, [reason("acme.reminder.set", days=next(_ASKED))])


class Meddling(Reminder):
    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        view.state.statuses.pop(("acme_reminder", ""), None)
        return super().decide(event, view)


class Learning(Reminder):
    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        self.__dict__["days"] = self.days + 1
        return super().decide(event, view)


class Restless(Reminder):
    def over(self, event: AnyEvent, view: cr.View) -> cr.Decision:
        return self.declined(event, [reason("acme.reminder.over")])


class Meddlesome(Reminder):
    hears: ClassVar[tuple[str, ...] | None] = None

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        return None if isinstance(event, cr.NewDay | cr.Tick) else self.set(event, view)


class Narrow(Reminder):
    hears: ClassVar[tuple[str, ...] | None] = None

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        if event.type in ("purchase", "new_day"):
            return super().decide(event, view)
        assert event.type in ("visit", "tick", "return", "adjustment", "referral", "redemption", "redemption_cancelled", "enrolment",
                              "profile_update", "consent_update", "activity", "tier_grant",
                              "hold", "capture", "void", "transfer", "opening", "merge", "closure", "reading",
                              "attendance", "survey_response", "complaint", "complaint_update", "contact",
                              "top_up", "chargeback"), event.type  # fmt: skip
        return None


class Late(Reminder):
    def due(self, view: cr.View, /) -> date | datetime | None:
        until = self.until(view)
        return until + 2 * ONE_DAY if until is not None else None


class NeverDue(Reminder):
    def due(self, view: cr.View, /) -> date | datetime | None:
        return None


def saying(code: str, **params: Any) -> type[Reminder]:
    class Saying(Reminder):
        def set(self, event: AnyEvent, view: cr.View) -> cr.Decision:
            return self.applied(event, [reason(code, **params)])

    return Saying


class Undeclared(Reminder):
    reason_codes: ClassVar[tuple[str, ...]] = ("acme.reminder.set",)


class Promising(Reminder):
    reason_codes: ClassVar[tuple[str, ...]] = ("acme.reminder.set", "acme.reminder.over", "acme.reminder.never")


class Refusing(Reminder):
    phase: ClassVar[Phase] = "pay"


MUTANTS: tuple[tuple[str, type[Reminder], str], ...] = (
    ("class", KindWithoutOwner, "owner.noun"),
    ("class", UnknownPhase, "none of pay, earn"),
    ("class", HearsAWordMissspelt, "'purchse'"),
    ("class", HearsAList, "not list"),
    ("class", Thawed, "not frozen"),
    ("class", Careless, "unknown fields"),
    ("class", FieldForYaml, "'on'"),
    ("class", Keeper, "_asked"),
    ("descriptions", Undescribed, "'words'"),
    ("document", Forgetful, "another policy"),
    ("document", Unreadable, "cannot be read"),
    ("pickle", local(), "pickling it raised"),
    ("answers", Crashing, "raised ZeroDivisionError: never mind"),
    ("answers", Overdrawn, "lots"),
    ("answers", SomeoneElsesStatus, "which it does not name in writes()"),
    ("answers", Talkative, ""),
    ("same_answer", Counting, "APPLIED acme.reminder.set"),
    ("unchanged", Meddling, "the state"),
    ("unchanged", Learning, "the policy"),
    ("quiescent", Restless, "DECLINED acme.reminder.over"),
    ("unknown_event", Meddlesome, "APPLIED acme.reminder.set"),
    ("unknown_event", Narrow, "AssertionError"),
    ("due", Late, "acme.reminder.over"),
    ("due", NeverDue, "acme.reminder.over"),
    ("sentences", saying("acme.reminder.zh_less"), "in zh"),
    ("sentences", saying("acme.reminder.other"), "in en"),
    ("sentences", saying("acme.reminder.differs", days=1, weeks=2), "other placeholders"),
    ("sentences", saying("acme.reminder.lacks"), "weeks"),
    ("sentences", saying("short.code"), "family.noun.case"),
    ("sentences", Undeclared, "acme.reminder.over"),
    ("sentences", Promising, "acme.reminder.never"),
    ("sentences", Refusing, "acme.reminder.retired"),
)


def broken(policy: cr.Policy, clause: str) -> BrokenContract:
    """What check_policy finds, looking for classes that a test can define inside a function only where it looks for them."""
    with pytest.raises(BrokenContract) as caught:
        check_policy(policy, examples=12 if clause == "sentences" else 60, skip=() if clause == "pickle" else ("pickle",))
    return caught.value


@pytest.mark.parametrize(("clause", "kind", "said"), MUTANTS, ids=lambda value: value.__name__ if isinstance(value, type) else None)
def test_a_policy_that_breaks_a_clause_is_found_out(clause: str, kind: type[Reminder], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custrules.testing.contract.MOST_SHRINKS", 2)
    found = broken(kind.model_construct(id="bad", days=11), clause)
    assert (found.clause, found.policy_id) == (clause, "bad")
    assert said in found.rule


def test_every_clause_has_a_policy_that_breaks_it() -> None:
    assert {clause for clause, _, _ in MUTANTS} == set(CLAUSES)


def test_a_policy_that_keeps_its_contract_passes_and_tells_what_it_said() -> None:
    assert check_policy(Reminder(id="good"), examples=20) == {"acme.reminder.set", "acme.reminder.over"}


def test_a_class_with_defaults_is_enough() -> None:
    assert "acme.reminder.set" in check_policy(Reminder, examples=20)


def test_a_class_without_defaults_is_asked_for_as_an_instance() -> None:
    with pytest.raises(TypeError, match="needs an instance of Account: it has no default for expiry"):
        check_policy(Account)


def test_what_is_no_policy_at_all_is_told() -> None:
    with pytest.raises(BrokenContract, match="not a subclass"):
        check_policy(int)  # type: ignore[arg-type]  # that is the fault


@pytest.mark.parametrize("data", BESIDE, ids=lambda data: data["kind"])
def test_the_built_in_kinds_keep_the_contract(data: dict[str, Any]) -> None:
    kind = built_in(data["kind"])
    assert kind is not None
    fields = {name: value for name, value in data.items() if name != "kind"}
    examples = 40 if data["kind"] == "points.transfer" else 10  # few histories have points to send
    told = check_policy(kind.read(fields), examples=examples, skip=["descriptions"])
    assert told or data["kind"] == "points.transfer"


def test_a_table_keeps_the_contract_though_it_says_nothing() -> None:
    kind = built_in("table")
    assert kind is not None
    table = kind.read({"id": "desk", "inputs": ["tier"], "outputs": ["owner"], "rows": [["-", "centre"]]})
    assert check_policy(table, examples=5, skip=["descriptions"]) == frozenset()


OTHERWISE = {  # kinds that tests of their own hold to the contract
    "care.contact_plan",
    "care.trigger",
    "churn.flag",
    "feedback.complaints",
    "feedback.survey",
    "lifecycle.stages",
    "profile.quality",
    "segments.bands",
    "segments.matrix",
    "segments.rfm",
    "stored_value.refund",
    "table",
}


def test_every_built_in_kind_is_checked() -> None:
    assert {data["kind"] for data in BESIDE} | OTHERWISE == set(KINDS)


# -- how it is told ----------------------------------------------------------------------------------------------------


def start_of_its_day(event: AnyEvent) -> date:
    return local_day(event.occurred_at, ZoneInfo("Europe/London"))


@pytest.mark.thorough
def test_the_history_is_the_smallest() -> None:
    found = broken(Crashing(id="bad"), "answers")
    (only,) = found.history
    assert only.type == "purchase"
    assert found.event_id == f"day:{start_of_its_day(only) + timedelta(days=11)}"


@pytest.mark.thorough
def test_the_error_shows_clause_rule_and_history() -> None:
    found = broken(Meddling(id="bad"), "unchanged")
    assert isinstance(found, AssertionError)
    assert isinstance(found, cr.ContractError)
    head, title, *lines = str(found).splitlines()
    assert head.startswith("policy 'bad' breaks its contract (unchanged), on event ")
    assert title == "the smallest history found:"
    assert [line.strip() for line in lines] == [event.to_json().decode() for event in found.history]


@pytest.mark.thorough
def test_the_error_pickles() -> None:
    found = broken(Late(id="bad"), "due")
    again = pickle.loads(pickle.dumps(found))
    assert (str(again), again.clause, again.history) == (str(found), "due", found.history)


def test_a_clause_can_be_left_out_and_a_clause_that_is_none_is_refused() -> None:
    check_policy(Undescribed(id="bad"), examples=5, skip=["descriptions"])
    with pytest.raises(ValueError, match="no clauses dues"):
        check_policy(Reminder(id="good"), skip=["dues"])


# -- where it is asked -------------------------------------------------------------------------------------------------


class Echo(Reminder):
    """Asks back only where a fact says so."""

    when: Annotated[cr.Condition, Field(description="Who is asked.")]

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        return super().decide(event, view) if isinstance(event, cr.NewDay) or view.test(self.when) else None


def hall() -> cr.Program:
    return cr.Program(id="hall", zone="Asia/Tokyo", currency="JPY", measures={"visits_90d": {"count": "visit", "window": "90 days"}}, policies=[])


def test_a_policy_is_asked_in_the_program_that_is_given() -> None:
    echo = Echo(id="echo", when=cr.Condition.of({"visits_90d": ">= 2"}))
    assert check_policy(echo, program=hall(), examples=80) == {"acme.reminder.set", "acme.reminder.over"}


def test_a_policy_that_does_not_fit_says_how_to_give_a_program() -> None:
    with pytest.raises(cr.DocumentError, match="visits_90d") as caught:
        check_policy(Echo(id="echo", when=cr.Condition.of({"visits_90d": ">= 2"})))
    assert "program=" in caught.value.__notes__[0]


def test_a_program_that_holds_the_policy_is_taken_with_all_its_versions() -> None:
    first, second = Reminder(id="back"), Reminder(id="back", days=3, effective_from=date(2026, 7, 1))
    versions = cr.Program(id="club", zone="UTC", currency="EUR", policies=[first, second])
    assert check_policy(second, program=versions, examples=20) >= {"acme.reminder.set"}


def test_a_policy_takes_the_place_of_the_one_of_its_id() -> None:
    other = cr.Program(id="club", zone="UTC", currency="EUR", policies=[Reminder(id="back")])
    with pytest.raises(BrokenContract, match=r"acme\.reminder\.over"):
        check_policy(Late(id="back"), program=other, examples=60)


@pytest.mark.thorough
def test_another_policy_that_breaks_is_not_blamed_on_the_one_that_is_checked() -> None:
    class Broken(Crashing):
        kind: ClassVar[str] = "acme.broken"

        def writes(self) -> tuple[str, ...]:
            return ("acme_reminder",)

    class Quiet(cr.Policy):
        kind: ClassVar[str] = "acme.quiet"

        def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
            return None

    program = cr.Program(id="club", zone="UTC", currency="EUR", policies=[Broken(id="broken")])
    with pytest.raises(cr.ContractError, match="'broken'") as caught:
        check_policy(Quiet(id="quiet"), program=program, examples=60, skip=["pickle"])
    assert not isinstance(caught.value, BrokenContract)
