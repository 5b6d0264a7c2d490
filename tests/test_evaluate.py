"""``program.evaluate``: one policy on given facts says what a step of a new customer with these facts would decide."""

from __future__ import annotations

import gc
import linecache
import pickle
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from random import Random
from types import FunctionType
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import custrules as cr
from custrules.evaluating import Evaluator, Traced
from custrules.evaluation import MAX_INTERNED, Answer, Results
from custrules.given import FactsCode, FactsForm, GivenFacts
from custrules.money import Rounding
from custrules.policies.points import evaluating as points_evaluating
from custrules.policies.tiers import evaluating as tiers_evaluating

HEAD = """
program: p
zone: UTC
currency: CNY
profile: {birthday: {type: birthday}, segment: {type: text, values: [staff, regular]}, city: {type: text}, size: {type: number}, since: {type: date}}
activities: {walk: {quantity: steps, hilly: flag}}
measures:
  spend: {sum: spend, window: 12 months}
  orders: {count: purchase, window: 12 months}
  average: {average: spend, window: 12 months}
  share: {ratio: [spend, average]}
  per_order: {ratio: [average, orders], base: ">= 2"}
policies:
"""
LADDER = """
  - id: honour
    kind: tiers.ladder
    levels:
      - {name: member}
      - {name: silver, enter: {any: [{spend: ">= 500"}, {orders: ">= 5"}]}}
      - {name: gold, enter: {spend: ">= 2000", orders: ">= 3"}}
    downgrade: one_level
    exclude: [{when: {segment: staff}, reason: staff}]
"""
EARN = """
  - {id: points, kind: points.account, expiry: never}
  - id: earn
    kind: points.accrual
    points_per_unit: {member: 1, gold: "1.5"}
    multiply: [{by: 2, when: {day_of_month: 8}}, {by: "1.15", when: {city: 北京}}]
    combine: product
    bonuses: [{points: 50, when: {amount: ">= 200"}}]
    caps: [{at_most: 500, per: event}]
"""


def program(policies: str = LADDER + EARN) -> cr.Program:
    return cr.loads(HEAD + policies)


BOTH = program()
STANDING = {"spend": "1999.99", "orders": 3, "segment": "regular"}
BUYING = {"amount": "200.00", "tier": "gold", "day_of_month": 8, "city": "北京"}


# -- what it says ------------------------------------------------------------------------------------------------------


def test_a_ladder_says_the_level_that_the_facts_reach() -> None:
    assert BOTH.evaluate("honour", STANDING).value == "silver"


def test_a_ladder_tells_the_conditions_that_are_met() -> None:
    told = BOTH.evaluate("honour", STANDING | {"orders": 4}).reasons
    assert [(why.code, dict(why.params)) for why in told] == [
        ("tiers.level.reached", {"level": "silver"}),
        ("tiers.condition.met", {"level": "silver", "fact": "spend", "cell": ">= 500"}),
    ]


def test_a_ladder_tells_an_exclusion() -> None:
    told = BOTH.evaluate("honour", STANDING | {"segment": "staff"})
    assert (told.value, told.codes) == (None, ("tiers.exclusion.applied",))


def test_everybody_s_level_is_told_as_the_beginning() -> None:
    assert BOTH.evaluate("honour", {"spend": None, "orders": 0, "segment": None}).codes == ("tiers.start.base",)


def test_a_cell_under_not_counts_for_a_level_by_not_holding() -> None:
    ladder = "  - {id: l, kind: tiers.ladder, downgrade: one_level, levels: [{name: a, enter: {not: {orders: '>= 5'}}}]}"
    told = program(ladder).evaluate("l", {"orders": 4})
    assert (told.value, told.codes) == ("a", ("tiers.level.reached", "tiers.condition.absent"))


def test_no_level_is_a_decline_with_its_reason() -> None:
    ladder = "  - {id: l, kind: tiers.ladder, downgrade: one_level, levels: [{name: a, enter: {orders: '>= 5'}}]}"
    told = program(ladder).evaluate("l", {"orders": 4})
    assert (told.outcome, told.value, told.codes) == ("DECLINED", None, ("tiers.level.unreached",))


def test_an_accrual_says_the_points_and_how_they_come_about() -> None:
    told = BOTH.evaluate("earn", BUYING | {"amount": "100.00"})
    wanted = cr.Reason("points.accrual.spend", {"points": 345, "account": "points", "level": "gold", "multiplier": Fraction("2.3")})  # 150 x 2.3
    assert (told.outcome, told.value, told.reasons) == ("APPLIED", 345, (wanted,))


def test_an_accrual_tells_what_a_cap_took() -> None:
    told = BOTH.evaluate("earn", BUYING)
    assert told.value == 500
    assert [why.params["lost"] for why in told.reasons if why.code == "points.accrual.capped"] == [240]  # 300 x 2.3 + 50 - 500


def test_the_same_answer_is_the_same_object() -> None:
    assert BOTH.evaluate("earn", BUYING) is BOTH.evaluate("earn", BUYING)


def test_the_newest_version_answers_unless_a_day_is_named() -> None:
    later = EARN.replace("- id: earn", "- id: earn\n    effective_from: 2026-07-01").replace(
        "- {id: points, kind: points.account, expiry: never}", ""
    )
    both = program(LADDER + EARN + later.replace('gold: "1.5"', "gold: 3"))
    facts = BUYING | {"amount": "10.00", "day_of_month": 1, "city": None}
    assert [both.evaluate("earn", facts, on=on).value for on in (None, date(2026, 6, 30), date(2026, 7, 1))] == [30, 15, 30]


TABLE = """
  - id: desk
    kind: table
    hit: COLLECT
    inputs: [share, city]
    outputs: [owner]
    rows: [["> 0.5", "-", centre], ["-", 北京, branch]]
"""


def test_a_table_says_its_outputs_and_by_which_rows() -> None:
    told = program(TABLE).evaluate("desk", {"spend": "60.00", "average": "100.00", "city": "北京"})
    assert (told.outcome, told.value, told.codes) == ("APPLIED", {"owner": ("centre", "branch")}, ("table.rows.fired",))


def test_a_table_of_which_no_row_holds_declines() -> None:
    told = program(TABLE).evaluate("desk", {"spend": "50.00", "average": "100.00", "city": None})
    assert (told.outcome, told.value, told.codes) == ("DECLINED", {"owner": ()}, ("table.none.missing",))


def test_a_ratio_is_given_by_its_two_measures() -> None:
    own = program(TABLE)
    assert list(own.facts("desk").types) == ["average", "city", "spend"]
    assert own.facts("desk").read({"spend": "60.00", "average": "100.00", "city": None}).value("share") == Fraction(3, 5)


# -- an Evaluation -----------------------------------------------------------------------------------------------------


def test_an_evaluation_has_canonical_json() -> None:
    told = BOTH.evaluate("honour", {"spend": "0.00", "orders": 0, "segment": None})
    reasons = '[{"code":"tiers.start.base","params":{"level":"member"}}]'
    wanted = f'{{"effective_from":"1900-01-01","outcome":"APPLIED","policy_id":"honour","reasons":{reasons},"value":"member"}}'
    assert told.to_json() == wanted.encode()


def test_an_evaluation_pickles_and_compares_by_what_it_says() -> None:
    told = BOTH.evaluate("earn", BUYING)
    revived = pickle.loads(pickle.dumps(told))
    assert revived is not told
    assert (revived, hash(revived), repr(revived)) == (told, hash(told), repr(told))
    assert revived != BOTH.evaluate("earn", BUYING | {"amount": "1.00"})


def test_an_evaluation_does_not_change() -> None:
    with pytest.raises(AttributeError, match="does not change"):
        BOTH.evaluate("earn", BUYING).value = 3  # type: ignore[misc]  # that is the fault


def test_an_evaluation_has_the_words_of_its_decision() -> None:
    assert cr.render(BOTH.evaluate("honour", STANDING).decision) == "honour: silver is reached. Counts for silver: spend >= 500."


def test_evaluations_are_kept_up_to_a_bound() -> None:
    results = Results("p", date(2026, 1, 1), lambda key: Answer("APPLIED", key, (cr.Reason("a.b.c"),)))
    for key in range(MAX_INTERNED + 5):
        assert results[key].value == key
    assert len(results.kept) == MAX_INTERNED


# -- what it refuses ---------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("honour", {"spend": "1", "orders": 1}, [("facts.missing_field", "segment")]),
    ("honour", STANDING | {"ordres": 1}, [("facts.unknown_fact", "ordres")]),
    ("honour", STANDING | {"spend": 1.5}, [("facts.bad_money", "spend")]),
    ("honour", STANDING | {"spend": "12.345", "orders": "x"}, [("facts.wrong_type", "orders"), ("facts.bad_money", "spend")]),
    ("honour", STANDING | {"spend": "1 EUR"}, [("facts.other_currency", "spend")]),
    ("honour", STANDING | {"spend": "007.00"}, [("facts.bad_money", "spend")]),
    ("honour", STANDING | {"spend": "٣.00"}, [("facts.bad_money", "spend")]),
    ("honour", STANDING | {"spend": "."}, [("facts.bad_money", "spend")]),
    ("honour", STANDING | {"orders": True}, [("facts.wrong_type", "orders")]),
    ("honour", STANDING | {"segment": "boss"}, [("facts.unknown_choice", "segment")]),
    ("earn", BUYING | {"tier": "diamond"}, [("facts.unknown_choice", "tier")]),
    ("earn", BUYING | {"city": 5}, [("facts.wrong_type", "city")]),
    ("earn", [("amount", 3)], [("facts.wrong_type", "")]),
    ("nobody", {}, [("facts.unknown_policy", "")]),
    ("points", {}, [("facts.not_evaluable", "")]),
]


@pytest.mark.parametrize(("policy", "facts", "faults"), REFUSED)
def test_bad_facts_are_refused_with_every_fault(policy: str, facts: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(cr.FactsError) as caught:
        BOTH.evaluate(policy, facts)
    assert [(fault.code, fault.path) for fault in caught.value.diagnostics] == faults
    assert str(caught.value) == "\n".join(cr.render(fault) for fault in caught.value.diagnostics)


def test_a_version_that_is_not_in_force_is_refused() -> None:
    with pytest.raises(cr.FactsError, match=r"facts\.not_in_force"):
        program(LADDER + EARN.replace("- id: earn", "- id: earn\n    effective_from: 2026-07-01")).evaluate("earn", {}, on=date(2026, 6, 30))


@pytest.mark.parametrize("on", ["soon", 5, datetime(2026, 1, 1)])  # noqa: DTZ001 - it is refused
def test_what_is_no_day_chooses_no_version(on: Any) -> None:
    with pytest.raises(cr.FactsError, match=r"^on facts\.wrong_type: expected a date such as 2026-03-31"):
        BOTH.evaluate("earn", BUYING, on=on)


def test_what_is_no_id_names_no_policy() -> None:
    with pytest.raises(cr.FactsError, match=r"facts\.unknown_policy"):
        BOTH.evaluate(None, BUYING)  # type: ignore[arg-type]  # that is the fault


def test_a_retired_version_is_refused() -> None:
    with pytest.raises(cr.FactsError, match=r"facts\.retired"):
        program(LADDER + EARN.replace("- id: earn", "- id: earn\n    retired: true")).evaluate("earn", BUYING)


def test_quantities_of_lines_are_no_facts() -> None:
    lines = "  - {id: points, kind: points.account, expiry: never}\n  - {id: earn, kind: points.accrual, points_per_quantity: 1}"
    with pytest.raises(cr.FactsError, match=r"facts\.not_evaluable"):
        program(lines).evaluator("earn")


@pytest.mark.parametrize(
    "field",
    [
        {"points_per": {"each": 3, "of": "quantity", "points": 1}},
        {"points_per_unit": 1, "caps": [{"at_most": 9, "per": "event", "group": "g"}]},
        {"points_per_unit": 1, "caps": [{"at_most": 9, "per": "2026-06-01..2026-06-18"}]},
    ],
)
def test_an_award_that_hangs_on_more_than_facts_is_not_evaluable(field: dict[str, Any]) -> None:
    own = made({"id": "points", "kind": "points.account", "expiry": "never"}, {"id": "subject", "kind": "points.accrual", **field})
    with pytest.raises(cr.FactsError, match=r"facts\.not_evaluable"):
        own.evaluator("subject")


def test_steps_are_generated_code() -> None:
    own = made(
        {"id": "points", "kind": "points.account", "expiry": "never"},
        {"id": "subject", "kind": "points.accrual", "points_per": {"each": "7.50", "points": 2}},
    )
    evaluator = own.evaluator("subject")
    assert isinstance(evaluator.decide, FunctionType)
    assert [own.evaluate("subject", {"amount": amount}).value for amount in ("7.49", "7.50", "22.49", "22.50")] == [0, 2, 4, 6]


# -- forms -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("12.50", 1250), ("12.5", 1250), (12, 1200), (Decimal("12.50"), 1250), (cr.Money("12.50", "CNY"), 1250), ("12.50 CNY", 1250)],
)
def test_a_form_reads_amounts_as_documents_write_them(amount: Any, minor: int) -> None:
    assert BOTH.facts("honour").read(STANDING | {"spend": amount}).value("spend") == minor


YEN = cr.loads(HEAD.replace("CNY", "JPY") + LADDER)


@pytest.mark.parametrize(("own", "currency"), [(BOTH, "CNY"), (YEN, "JPY")])
@given(text=st.one_of(st.text("0123456789.-_ ٣", max_size=8), st.from_regex(r"[0-9]{1,17}(\.[0-9]{0,3})?", fullmatch=True)))
def test_the_short_way_of_reading_an_amount_reads_as_money_does(own: cr.Program, currency: str, text: str) -> None:
    def by_form() -> Any:
        return own.facts("honour").read(STANDING | {"spend": text}).value("spend")

    try:
        wanted = cr.Money(text, currency).minor if " " not in text else None
    except cr.MoneyError:
        wanted = None
    if wanted is None:
        with pytest.raises(cr.FactsError):
            by_form()
    else:
        assert by_form() == wanted


def test_a_form_reads_rows_that_hold_more_where_that_is_said() -> None:
    rows = [STANDING | {"name": "Ann"}]
    assert BOTH.facts("honour").read_all(rows, others=True) == [BOTH.facts("honour").read(STANDING)]
    with pytest.raises(cr.FactsError, match=r"facts\.unknown_fact"):
        BOTH.facts("honour").read_all(rows)


def test_one_form_serves_several_policies() -> None:
    form = BOTH.facts("honour", "earn")
    facts = form.read(STANDING | BUYING)
    assert [BOTH.evaluate("honour", facts).value, BOTH.evaluator("earn", form=form).decide(facts).value] == ["silver", 500]


def test_a_form_that_lacks_a_fact_is_refused() -> None:
    with pytest.raises(cr.FactsError, match=r"facts\.not_in_form"):
        BOTH.evaluator("earn", form=BOTH.facts("honour"))


def test_facts_that_mean_two_things_make_no_form() -> None:
    walk = "  - {id: walk, kind: points.accrual, event: walk, points: 1, when: {hilly: true}}\n"
    sail = "  - {id: sail, kind: points.accrual, event: sail, points: 1, when: {hilly: 'yes'}}\n"
    both = cr.loads(HEAD.replace("hilly: flag}", "hilly: flag}, sail: {hilly: text}") + EARN.split("  - id: earn", maxsplit=1)[0] + walk + sail)
    with pytest.raises(cr.FactsError, match=r"facts\.two_meanings"):
        both.facts("walk", "sail")


def test_facts_do_not_change() -> None:
    with pytest.raises(AttributeError, match="facts do not change"):
        BOTH.facts("honour").read(STANDING).f0 = 3  # type: ignore[attr-defined]  # that is the fault


def test_facts_show_and_compare_by_their_values() -> None:
    facts = BOTH.facts("honour").read(STANDING)
    assert repr(facts) == "<facts orders=3, segment='regular', spend=199999>"
    assert len({facts, BOTH.facts("honour").read(STANDING)}) == 1
    assert facts.next_change("spend") is None


def test_what_was_generated_goes_with_its_program() -> None:
    def names() -> set[str]:
        return {name for name in linecache.cache if name.startswith("<custrules")}

    gc.collect()
    before = names()
    own = program()
    own.evaluate("earn", BUYING)
    own.evaluator("earn").trace(own.facts("earn").read(BUYING))
    assert names() - before
    del own
    gc.collect()
    assert names() <= before


# -- generated code says what the policy itself says ---------------------------------------------------------------------

CELLS = {
    "spend": [">= 500", "< 20.5", "[10..500)", "missing", "not(>= 500)", "0.01, 500"],
    "average": ["> 10", "<= 500"],
    "orders": [">= 5", "3", "not(missing)", "[1..5]"],
    "share": ["> 0.5", "[1..3/2)", "< -1", "2", "not(<= 1)", ">= 1, missing"],
    "per_order": ["> 100", "[0.5..200]", "missing"],
    "size": ["0.5", ">= 1/3", "not(2)"],
    "city": ["北京", "not(Paris)", "Paris, Rome", "-"],
    "segment": ["staff", "missing"],
    "since": [">= 2026-01-01", "2025-02-28"],
    "birthday_month": ["true", "not(true)", "false"],
    "day_of_month": ["8", ">= 15"],
}
VALUES: dict[str, list[Any]] = {
    "spend": [0, 1, 1000, 2049, 2050, 49_999, 50_000, None],
    "average": [Fraction(2001, 2), Fraction(100_001, 2), 1000, 0, -1000, None],
    "orders": [0, 1, 3, 5, 6, None],
    "size": [Fraction(1, 2), Fraction(1, 3), 2, None],
    "city": ["北京", "Paris", "Rome", "x", None],
    "segment": ["staff", "regular", None],
    "since": [date(2025, 2, 28), date(2026, 1, 1), None],
    "birthday_month": [True, False, None],
    "day_of_month": [1, 8, 15, None],
    "amount": [0, 1, 99, 150, 20_000, 123_456, None],
    "quantity": [0, 1, Fraction(3, 2), 1000, -5, None],
    "tier": ["a", "b", "c", None],
    "hilly": [True, False, None],
}
ROWS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
LEAVES = st.sampled_from([{name: cell} for name, cells in CELLS.items() for cell in cells])
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=5).map(lambda parts: {"any": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
RATES = st.sampled_from(["0", "1", "1/3", "1.15", "2", "7/100"])
STEPS = st.sampled_from(["1/3", "0.5", "10", "1.25"])
COUNTS: list[dict[str, Any]] = [
    {},
    {},
    {"discounts": True},
    {"tax": False, "coupons": True},
    {"tenders": {"cash": False}},
    {"tenders": {"points": True}},
]
BY_LEVEL = st.one_of(RATES, st.dictionaries(st.sampled_from(["a", "b", "c", "none"]), RATES, min_size=1))


def made(*policies: Mapping[str, Any]) -> cr.Program:
    sections = BOTH.document_data()
    return cr.Program(
        id="p", zone="UTC", currency="CNY", policies=policies, **{name: sections[name] for name in ("profile", "activities", "measures")}
    )


@st.composite
def ladders(draw: st.DrawFn) -> cr.Program:
    first = {} if draw(st.booleans()) else {"enter": draw(CONDITIONS)}
    levels = [{"name": "a", **first}, *({"name": name, "enter": draw(CONDITIONS)} for name in draw(st.sampled_from(["", "b", "bc"])))]
    exclude = [{"when": draw(CONDITIONS), "reason": "x"} for _ in range(draw(st.integers(0, 2)))]
    return made({"id": "subject", "kind": "tiers.ladder", "levels": levels, "exclude": exclude, "downgrade": "one_level"})


@st.composite
def accruals(draw: st.DrawFn) -> cr.Program:
    def some(rows: Any) -> Any:
        return draw(st.lists(rows, max_size=2))

    walking = draw(st.booleans())
    earning = draw(
        st.lists(st.sampled_from(["points", "points_per_quantity" if walking else "points_per_unit"]), min_size=1, max_size=2, unique=True)
    )
    steps = st.fixed_dictionaries(
        {"each": st.one_of(STEPS, st.dictionaries(st.sampled_from(["a", "b", "none"]), STEPS, min_size=1)), "points": BY_LEVEL},
        optional={"whole": st.booleans(), "of": st.just("quantity")} if walking else {"whole": st.booleans()},
    )
    accrual = {
        "id": "subject",
        "kind": "points.accrual",
        "event": "walk" if walking else "purchase",
        **{name: draw(BY_LEVEL) for name in earning},
        **({"points_per": draw(steps) | ({"of": "quantity"} if walking else {})} if draw(st.booleans()) else {}),
        **({"counts": draw(st.sampled_from(COUNTS))} if not walking else {}),
        **({"when": draw(CONDITIONS)} if draw(st.booleans()) else {}),
        "multiply": some(st.fixed_dictionaries({"by": RATES, "when": CONDITIONS})),
        "combine": draw(st.sampled_from(["best", "product", "sum_of_extras"])),
        "bonuses": some(st.fixed_dictionaries({"points": RATES}, optional={"when": CONDITIONS})),
        "caps": some(
            st.fixed_dictionaries(
                {
                    "at_most": st.sampled_from(["0", "3", "100", "1/3", {"b": "3"}, {"a": "50", "none": "1"}]),
                    "per": st.sampled_from(["event", "calendar month", "campaign"]),
                },
                optional={
                    "over": st.sampled_from(["clip", "soft", "decline"]),
                    "when": st.sampled_from([{"day_of_month": "8"}, {"city": "missing"}]),
                },
            )
        ),
        "rounding": draw(st.sampled_from([rounding.value for rounding in Rounding])),
        **({"exclude_lines": {"amount": ">= 100"}} if not walking and draw(st.integers(0, 5)) == 0 else {}),
    }
    account = {"id": "points", "kind": "points.account", "expiry": "never", "scale": draw(st.sampled_from([0, 2]))}
    levels = [{"name": "a"}, {"name": "b", "enter": {"orders": "1"}}, {"name": "c", "enter": {"orders": "2"}}]
    ladder = {"id": "ladder", "kind": "tiers.ladder", "levels": levels, "downgrade": "one_level"}
    by_level = [*(accrual.get(name) for name in earning), *accrual.get("points_per", {}).values(), *(cap["at_most"] for cap in accrual["caps"])]
    return made(*([ladder] if draw(st.booleans()) or any(isinstance(rates, dict) for rates in by_level) else []), account, accrual)


@st.composite
def tables(draw: st.DrawFn) -> cr.Program:
    inputs = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=3, unique=True))
    hit = draw(
        st.sampled_from(
            ["UNIQUE", "ANY", "FIRST", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT", "COLLECT SUM", "COLLECT MAX", "COLLECT COUNT"]
        )
    )
    output = {"name": "out", "type": "whole", "values": ["3", "1", "2"], **({"default": 1} if draw(st.booleans()) and hit != "COLLECT COUNT" else {})}
    row = st.tuples(*(st.sampled_from([*CELLS[name], "-"]) for name in inputs), st.sampled_from(["1", "2", "missing"])).map(list)
    rows = draw(st.lists(row, min_size=1, max_size=7))
    return made({"id": "subject", "kind": "table", "hit": hit, "inputs": inputs, "outputs": [output], "rows": rows})


def asked(program: cr.Program, row: Mapping[str, Any]) -> tuple[Evaluator, GivenFacts]:
    evaluator = program.evaluator("subject")
    return evaluator, evaluator.form.exact({name: row[name] for name in evaluator.form.types})


def same_as_the_policy(program: cr.Program, row: Mapping[str, Any]) -> None:
    evaluator, facts = asked(program, row)
    assert evaluator.decide(facts) == evaluator.plainly(facts)


def same_trace_as_the_interpreter(program: cr.Program, row: Mapping[str, Any]) -> None:
    evaluator, facts = asked(program, row)
    told = evaluator.trace(facts)
    assert told.evaluation == evaluator.plainly(facts)
    rules = program.rulebook
    policy = evaluator.policy
    if policy.kind == "table":
        bound_table = rules.bound_tables[id(policy), None]
        assert list(told.rules.values()) == [row.trace(facts) for row in bound_table.rows]
        return
    by_rule = {rules.rules_of[key]: bound for key, bound in rules.bound.items() if key[1] == rules.scopes[id(policy)]}
    for rule, trace in told.rules.items():
        assert trace == cr_trace(by_rule[rule], facts)


def cr_trace(bound: Any, facts: GivenFacts) -> Any:
    from custrules.conditions import trace  # noqa: PLC0415 - beside the one use

    return trace(bound, facts)


@given(ladders(), ROWS)
def test_a_generated_ladder_says_what_the_ladder_says(program: cr.Program, row: Mapping[str, Any]) -> None:
    same_as_the_policy(program, row)


@given(accruals(), ROWS)
def test_a_generated_accrual_says_what_the_accrual_says(program: cr.Program, row: Mapping[str, Any]) -> None:
    same_as_the_policy(program, row)


@given(tables(), ROWS)
def test_a_generated_table_says_what_the_table_says(program: cr.Program, row: Mapping[str, Any]) -> None:
    same_as_the_policy(program, row)


@given(st.one_of(ladders(), accruals(), tables()), ROWS)
def test_a_trace_says_what_the_interpreter_traces(program: cr.Program, row: Mapping[str, Any]) -> None:
    same_trace_as_the_interpreter(program, row)


def _off_by_one(text: str) -> Any:
    def divided(rounding: Rounding, d: str, twice: str) -> tuple[str, ...]:
        return (f"u = {text.format(d=d)}",)

    return divided


def _wrong_way_round(self: FactsCode, over: str, under: str, end: Any, sign: str) -> str:
    return f"{self._times(over, end.numerator)} {sign} {self._times(under, end.denominator)}"


MUTANTS = [
    (tables(), FactsCode, "_crossed", _wrong_way_round),
    (tables(), FactsCode, "branch", lambda self, tests, then: self.add(1, then(0))),
    (accruals(), points_evaluating, "_divided", _off_by_one("n // {d}")),
    (accruals(), points_evaluating, "_factor", lambda accrual, found: Fraction(1)),
    (accruals(), points_evaluating, "_is_plain", lambda cap, account: isinstance(cap.at_most, Fraction)),
    (ladders(), tiers_evaluating, "_are_leaves", lambda bound, kind: kind == "all"),
    (ladders(), tiers_evaluating, "_met", lambda level, bound, found: iter(())),
]


@pytest.mark.parametrize(("programs", "module", "name", "wrong"), MUTANTS, ids=[mutant[2] for mutant in MUTANTS])
def test_wrong_generated_code_is_found_out(programs: Any, module: Any, name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Evaluator.plainly
    right = getattr(module, name)

    def plainly(self: Evaluator, facts: GivenFacts) -> cr.Evaluation:
        with pytest.MonkeyPatch.context() as intact:
            intact.setattr(module, name, right)
            told = plain(self, facts)
            assert told.reasons
            return told

    def fails(case: tuple[cr.Program, Mapping[str, Any]]) -> bool:
        try:
            same_as_the_policy(*case)
        except AssertionError:
            return True
        return False

    monkeypatch.setattr(Evaluator, "plainly", plainly)
    monkeypatch.setattr(module, name, wrong)
    search = settings(max_examples=600, database=None, phases=[Phase.generate], deadline=None)
    try:
        find(st.tuples(programs, ROWS), fails, settings=search, random=Random(1))
    except NoSuchExample:
        pytest.fail("no example shows the fault")


def test_generated_code_is_what_runs() -> None:
    for name in ("honour", "earn"):
        assert isinstance(BOTH.evaluator(name).decide, FunctionType)


@pytest.mark.parametrize("word", ["北京", "__import__('os')", "v0", "c0", "zqzq", "; raise SystemExit"])
def test_no_word_of_a_document_stands_in_generated_code(word: str) -> None:
    quoted = f'"{word}"'
    ladder = {"id": "l", "kind": "tiers.ladder", "downgrade": "one_level", "exclude": [{"when": {"city": [quoted, "x"]}, "reason": word}]}
    evaluator = made({**ladder, "levels": [{"name": "zqzq", "enter": {"city": quoted}}]}).evaluator("l")
    source = "".join("".join(linecache.getlines(found)) for found in linecache.cache if found.startswith("<custrules decide"))
    assert evaluator.decide(evaluator.form.exact({"city": word})).codes == ("tiers.exclusion.applied",)
    assert set(source) <= set("abcdefghijklmnopqrstuvwxyz0123456789_FNT. \n()[]:=<>|,!+*/;%&-")
    assert not any(found in source for found in ("北", "import", "zqzq", "raise", "city"))


# -- steps -------------------------------------------------------------------------------------------------------------


def stepped(program: cr.Program, amount: int, **more: Any) -> cr.Step:
    event = {"type": "purchase", "id": "1", "customer_id": "c", "occurred_at": "2026-03-08T12:00:00Z", "amount": str(Decimal(amount) / 100)}
    return program.step(cr.State.new("c"), program.event(event | more))


@given(accruals(), st.sampled_from([100, 150, 20_000, 123_456]), st.sampled_from(["app", None]))
def test_points_are_what_a_step_of_a_new_customer_gives(program: cr.Program, amount: int, channel: str | None) -> None:
    if program.policies[-1].event_name() != "purchase":
        return
    step = stepped(program, amount)
    decided = next(decision for decision in step.decisions if decision.policy_id == "subject")
    evaluator = program.evaluator("subject")
    known: dict[str, Any] = {"orders": 1, "spend": amount, "average": amount, "amount": amount, "day_of_month": 8, "tier": "a"}  # of a first purchase
    known |= {"birthday_month": False, "size": None, "city": None, "segment": None, "since": None}
    facts = evaluator.form.exact({name: known[name] for name in evaluator.form.types})
    told = evaluator.decide(facts)
    assert (told.outcome, told.reasons) == (decided.outcome, decided.reasons)


@given(ladders(), st.sampled_from([100, 1000, 50_000]))
def test_the_level_is_what_a_step_of_a_new_customer_reaches(program: cr.Program, amount: int) -> None:
    step = stepped(program, amount)
    evaluator = program.evaluator("subject")
    known: dict[str, Any] = {"orders": 1, "spend": amount, "average": amount, "day_of_month": 8, "birthday_month": False}
    facts = evaluator.form.exact({name: known.get(name) for name in evaluator.form.types})
    held = step.state.tier()
    assert evaluator.decide(facts).value == (held.name if held is not None else None)


# -- policies of others ------------------------------------------------------------------------------------------------


class Plain(cr.Policy):
    """A policy of somebody else that answers to facts by its own code alone."""

    kind = "test.plain"
    phase = "earn"
    base: cr.Fact[int]

    def decide(self, event: Any, view: cr.View, /) -> cr.Decision | None:
        return None

    def evaluated(self, view: Any, /) -> Answer:
        value = view.fact(self.base)
        return Answer("APPLIED", value, (cr.Reason("test.plain.said", {"base": value}),))


def test_a_policy_of_somebody_else_answers_by_its_own_code() -> None:
    own = cr.Program(
        id="p",
        zone="UTC",
        currency="CNY",
        measures={"orders": {"count": "purchase", "window": "lifetime"}},
        policies=[{"kind": "test.plain", "id": "plain", "base": "orders"}],
        kinds={"test.plain": Plain},
    )
    assert own.evaluate("plain", {"orders": 7}).value == 7


def test_a_trace_is_told_in_one_piece() -> None:
    told = BOTH.evaluator("honour").trace(BOTH.facts("honour").read(STANDING))
    assert isinstance(told, Traced)
    assert list(told.rules) == ["levels[1].enter", "levels[2].enter", "exclude[0].when"]


def test_forms_of_one_program_have_one_order() -> None:
    assert isinstance(BOTH.facts("earn", "honour"), FactsForm)
    assert list(BOTH.facts("earn", "honour").types) == list(BOTH.facts("honour", "earn").types)
