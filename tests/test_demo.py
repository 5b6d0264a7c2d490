"""The demo's figures, held against the independent computation; what it prints, and the folder that it leaves.

``-m "not slow"`` leaves out the long comparison, of which the better part is ``thorough``.
"""

import contextlib
import io
import json
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from independent import gift_shop, make_excerpt
from independent.gift_shop import ENTER, GIFT_SHOP, LEVELS, LONDON, Customer, Event, Result, evaluate_all, instant, totals

import custrules as cr
from custrules.__main__ import main
from custrules.cli.output import Output
from custrules.cli.passing import end_of, pass_over
from custrules.cli.telling import local
from custrules.codec import canonical
from custrules.demo import card, change, figures, folder, leaving, telling
from custrules.demo.figures import LAST_DAY, Figures, Standing
from custrules.events import AnyEvent
from custrules.messages.columns import width

needs_data = pytest.mark.skipif(make_excerpt.data_dir() is None, reason="the two data files are not here; CUSTRULES_DATA names their folder")
PARTS = [pytest.param(part, marks=pytest.mark.thorough if part else ()) for part in range(16)]

pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def program() -> cr.Program:
    return figures.demo_program()


@pytest.fixture(scope="module")
def events(program: cr.Program) -> list[AnyEvent]:
    return list(figures.demo_events(program))


class Run(NamedTuple):
    """One whole run of the demo in English: its folder, its text, and what its passes over the events found."""

    target: Path
    text: str
    found: Mapping[str, Standing]
    comparison: cr.Comparison
    at_risk: leaving.Leaving


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    target = tmp_path_factory.mktemp("demo") / "custrules-demo"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        passes, at_risk = noted(patch, change, "compared"), noted(patch, leaving, "leaving")
        assert main(["demo", "--dir", str(target)]) == 0
    [(found, comparison)] = passes
    return Run(target, out.getvalue(), found, comparison, *at_risk)


def noted(patch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[Any]:
    """What a function of a module gives from here on."""
    given: list[Any] = []
    function = getattr(module, name)

    def noting(*arguments: Any) -> Any:
        given.append(function(*arguments))
        return given[-1]

    patch.setattr(module, name, noting)
    return given


@pytest.fixture(scope="module")
def found(demo: Run) -> Mapping[str, Standing]:
    return demo.found


@pytest.fixture(scope="module")
def comparison(demo: Run) -> cr.Comparison:
    return demo.comparison


def standings(program: cr.Program, events: Iterable[AnyEvent]) -> Mapping[str, Standing]:
    """Where every customer stands, without a comparison."""
    noted = figures.Standings(program)
    for customer_id, event, step in pass_over(program, events, end_of(LAST_DAY.isoformat(), program.zone), noted.close):
        assert step is not None
        noted.note(customer_id, event, step)
    return noted.found


@pytest.fixture(scope="module")
def sums(program: cr.Program, events: list[AnyEvent], found: Mapping[str, Standing]) -> Figures:
    return figures.figures(program, found, min(local(event, program.zone) for event in events))


@pytest.fixture(scope="module")
def expected() -> dict[str, Result]:
    return evaluate_all(make_excerpt.excerpt(), LAST_DAY)


def told(one: Standing) -> dict[str, Any]:
    """A standing in the words of the independent computation."""
    assert one.level is not None
    assert one.points is not None
    moved = {name: one.points_moved(name) for name in ("issued", "taken_back", "forgiven", "settled", "expired")}
    balances = {"usable": one.points.available, "pending": one.points.pending, "owed": one.points.owed}
    level = {"level": one.level.name, "since": one.level.since, "until": one.level.until}
    return {**level, **moved, **balances, "purchases": one.bought, "returns": one.returned}


def computed(result: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(result).items() if name != "unmatched"}


def compare(found: Mapping[str, Standing], expected: Mapping[str, Result]) -> None:
    assert found.keys() == expected.keys()
    differing = {customer: (told(found[customer]), computed(expected[customer])) for customer in expected}
    assert {customer: pair for customer, pair in differing.items() if pair[0] != pair[1]} == {}


# -- the figures -------------------------------------------------------------------------------------------------------


def test_every_customer_of_the_excerpt_stands_where_the_independent_computation_says(
    found: Mapping[str, Standing], expected: dict[str, Result]
) -> None:
    assert len(expected) == 595
    compare(found, expected)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_customer_of_both_years_stands_where_the_independent_computation_says(program: cr.Program, part: int) -> None:
    """A sixteenth of them each time; with ``-m thorough`` all the others."""
    history = [event for event in make_excerpt.whole() if int(event["customer_id"]) % len(PARTS) == part]
    assert len(history) > 2_000
    compare(standings(program, map(program.event, history)), evaluate_all(history, LAST_DAY))


def test_the_sums_are_those_of_the_independent_computation(sums: Figures, expected: dict[str, Result]) -> None:
    summed = totals(expected)
    assert sums.customers == summed["customers"]
    assert (sums.bought, sums.returned) == tuple(cr.Money.from_minor(summed[name], "GBP") for name in ("purchases", "returns"))
    assert dict(sums.points) == {name: summed[name] for name in ("issued", "taken_back", "forgiven", "expired", "usable", "pending", "owed")}
    assert {row.name: row.customers for row in sums.levels} == {level: summed[level] for level in LEVELS}


def test_events_are_counted_as_they_stand_in_the_excerpt(sums: Figures) -> None:
    types = [event["type"] for event in make_excerpt.excerpt()]
    assert (sums.purchases, sums.returns) == (types.count("purchase"), types.count("return"))
    assert (sums.first_day, sums.last_day) == (date(2009, 12, 1), date(2011, 12, 9))


def test_who_is_at_a_level_rose_to_it_and_neither_fell_nor_lost_it_or_landed_there(sums: Figures) -> None:
    levels = list(sums.levels)
    assert [row.name for row in levels] == list(reversed(LEVELS))
    assert levels[0].customers == levels[0].rose - levels[0].fell - levels[0].lost  # nobody lands on the highest level


# -- who nearly did ----------------------------------------------------------------------------------------------------


def distances(history: Iterable[Event]) -> dict[str, tuple[str, str, int]]:
    """By customer: the level held, the next one, and the pennies missing to it, by the independent computation; nobody above the last."""
    result = {}
    for customer, own in groupby(history, key=lambda event: str(event["customer_id"])):
        ours = list(own)
        person = Customer.new(GIFT_SHOP, instant(ours[0]).astimezone(LONDON).date())
        for event in ours:
            person.accept(event)
        person.open_days(LAST_DAY)
        held = person.ladder.level
        if held + 1 < len(LEVELS):
            result[customer] = (LEVELS[held], LEVELS[held + 1], ENTER[held + 1] - person.ladder.spend.last_12_months(LAST_DAY))
    return result


def test_everybody_is_as_far_from_the_next_level_as_the_independent_computation_says(found: Mapping[str, Standing]) -> None:
    missing = {name: (one.held, one.next_level, one.missing.minor) for name, one in found.items() if one.missing is not None}
    assert missing == distances(make_excerpt.excerpt())


def test_those_who_nearly_reached_a_level_are_the_closest_below_it(sums: Figures) -> None:
    rows = distances(make_excerpt.excerpt())
    closest = []
    for level in reversed(LEVELS[1:]):
        below = sorted((short, customer) for customer, (_, above, short) in rows.items() if above == level)
        closest += [(customer, level, short) for short, customer in below[:2]]
    assert [(one.customer_id, one.next_level, one.missing.minor) for one in sums.near if one.missing is not None] == closest


# -- what is printed ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(demo: Run) -> tuple[Path, str]:
    """The folder and the text of one whole run in English."""
    return demo.target, demo.text


def cells(text: str, label: str) -> list[str]:
    """What follows a label in the first line that has it."""
    line = next(line for line in text.splitlines() if f"  {label}  " in line)
    return line.partition(f"  {label}  ")[2].split()


def test_the_printed_points_are_those_of_the_independent_computation(printed: tuple[Path, str], expected: dict[str, Result]) -> None:
    summed = totals(expected)
    labels = {name: name.replace("_", " ") for name in ("issued", "taken_back", "forgiven", "expired", "usable", "pending", "owed")}
    assert {name: cells(printed[1], label)[0] for name, label in labels.items()} == {name: f"{summed[name]:,}" for name in labels}


def test_the_printed_money_is_that_of_the_independent_computation(printed: tuple[Path, str], expected: dict[str, Result]) -> None:
    summed = totals(expected)
    pennies = {"purchases": summed["purchases"], "returns": summed["returns"], "net": summed["purchases"] - summed["returns"]}
    shown = {label: cells(printed[1], label)[0].replace(",", "") for label in pennies}
    assert shown == {label: f"{amount // 100}.{amount % 100:02d}" for label, amount in pennies.items()}


def test_the_printed_levels_are_those_of_the_independent_computation(printed: tuple[Path, str], expected: dict[str, Result]) -> None:
    summed = totals(expected)
    assert {level: cells(printed[1], level.title())[0] for level in LEVELS} == {level: str(summed[level]) for level in LEVELS}


def test_the_source_of_the_data_is_named_in_the_output_and_in_the_folder(printed: tuple[Path, str]) -> None:
    source = "Online Retail II, UCI Machine Learning Repository, Chen, D. (2012/2019)"
    assert f"{source}, CC BY 4.0" in printed[1]
    readme = (printed[0] / "README.md").read_text("utf-8")
    assert source in readme
    assert "CC BY 4.0" in readme


def test_the_history_tells_every_event_of_its_customer(printed: tuple[Path, str], sums: Figures, events: list[AnyEvent]) -> None:
    history = printed[1].partition(f"Customer {sums.told}, step by step")[2]
    own = [event for event in events if event.customer_id == sums.told]
    assert own
    assert all(f" {event.id}  " in history for event in own)


def test_the_customer_who_is_told_has_few_events_and_much_decided(found: Mapping[str, Standing], sums: Figures) -> None:
    chosen = found[sums.told]
    assert chosen.events <= figures.FEW
    assert len(chosen.kinds) == max(len(one.kinds) for one in found.values() if one.events <= figures.FEW)


def test_the_output_fits_a_screen(printed: tuple[Path, str]) -> None:
    lines = printed[1].splitlines()
    assert len(lines) <= 110
    assert max(width(line) for line in lines if "custrules" not in line) <= 125


def test_no_placeholder_is_left_open(printed: tuple[Path, str]) -> None:
    assert "{" not in printed[1]


def chinese(program: cr.Program, sums: Figures) -> list[str]:
    return list(telling.overview(Output(io.StringIO(), io.StringIO(), "zh"), program, sums))


def test_the_chinese_overview_has_chinese_names_and_the_same_numbers(program: cr.Program, sums: Figures) -> None:
    text = "\n".join(chinese(program, sums))
    assert "礼品店会员计划" in text
    assert cells(text, "累积")[0] == f"{sums.points['issued']:,}"
    assert cells(text, "白金卡")[0] == str(sums.levels[0].customers)


def test_chinese_columns_end_in_the_same_place(program: cr.Program, sums: Figures) -> None:
    lines = chinese(program, sums)
    start = next(place for place, line in enumerate(lines) if "因退货失去" in line)
    assert len({width(line) for line in lines[start : start + 5]}) == 1


def test_the_figures_as_json_are_those_that_are_printed(sums: Figures) -> None:
    data = json.loads(canonical(sums.to_data()))
    assert data["points"] == dict(sums.points)
    assert data["money"]["spend"] == str(sums.bought)
    assert [row["customer_id"] for row in data["nearly"]] == [one.customer_id for one in sums.near]
    assert data["levels"]["gold"]["customers"] == next(row.customers for row in sums.levels if row.name == "gold")


# -- the folder --------------------------------------------------------------------------------------------------------


def test_the_scenarios_in_the_folder_pass(printed: tuple[Path, str]) -> None:
    assert main(["test", str(printed[0])]) == 0


def test_the_program_in_the_folder_has_no_findings(printed: tuple[Path, str]) -> None:
    assert main(["check", str(printed[0] / "program.yaml")]) == 0


def test_the_events_in_the_folder_are_those_of_the_excerpt(printed: tuple[Path, str]) -> None:
    lines = (printed[0] / "events.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(make_excerpt.excerpt())


def test_the_commands_that_are_printed_work(
    printed: tuple[Path, str], expected: dict[str, Result], expected_of_change: dict[str, Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the events of those who would close at another level, of the one who is explained, and of a tenth of the others."""
    mine = shutil.copytree(printed[0], tmp_path / "demo")
    commands = [line.split("custrules ", 1)[1].replace(str(printed[0]), str(mine)) for line in printed[1].splitlines()[-3:]]
    moved = {customer for customer, result in expected.items() if result.level != expected_of_change[customer].level}
    kept = moved | {commands[1].split()[-1]} | {customer for customer in expected if customer.endswith("0")}
    lines = (mine / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    (mine / "events.jsonl").write_text("".join(line for line in lines if json.loads(line)["customer_id"] in kept), "utf-8")
    assert [command.split()[0] for command in commands] == ["test", "explain", "compare"]
    assert [main(command.split()) for command in commands] == [0, 0, 0]
    assert f"close at another level: {len(moved)}\n" in capsys.readouterr().out  # as the demo itself says: both let time pass to the same day
    assert len(moved) == 4


def test_the_customer_in_the_commands_is_the_one_closest_to_a_level(printed: tuple[Path, str]) -> None:
    closest = min((short, customer) for customer, (_, _, short) in distances(make_excerpt.excerpt()).items())[1]
    assert f"--customer {closest}" in printed[1]
    assert f"--customer {closest}" in (printed[0] / "README.md").read_text("utf-8")


def test_what_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "program.yaml").write_text("mine", "utf-8")
    written, kept = folder.leave(tmp_path)
    assert kept == ["program.yaml"]
    editors = [".vscode/settings.json", "schemas/program.v1.json", "schemas/scenarios.v1.json"]
    assert sorted(written) == sorted(
        ["README.md", "at-risk.program.yaml", "card.yaml", "changed.yaml", "events.jsonl", "gift-shop.scenarios.yaml", *editors]
    )
    assert (tmp_path / "program.yaml").read_text("utf-8") == "mine"


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    first, _ = folder.leave(tmp_path)
    assert folder.leave(tmp_path) == ([], first)


def test_a_folder_with_a_blank_in_its_name_is_quoted_in_the_commands() -> None:
    assert folder.commands("my demo", "1")[0].endswith("test 'my demo'")


@pytest.mark.parametrize(("on_path", "printed_as"), [(True, "custrules"), (False, "{}/custrules")])
def test_the_commands_begin_as_the_demo_was_called(on_path: bool, printed_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "custrules"
    script.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(script), "demo"])
    monkeypatch.setenv("PATH", str(tmp_path) if on_path else "")
    assert folder.commands("d", "1")[0] == f"{printed_as.format(tmp_path)} test d"


def test_the_commands_name_the_interpreter_where_the_demo_is_run_as_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/custrules/__main__.py", "demo"])
    monkeypatch.setenv("PATH", "")
    assert folder.commands("d", "1")[0] == f"{shlex.quote(sys.executable)} -m custrules test d"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "README.md").symlink_to(target)
    assert folder.leave(tmp_path / "demo")[1] == ["README.md"]
    assert not target.exists()


# -- the changed rule --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def expected_of_change() -> dict[str, Result]:
    """The independent computation with gold from 6,000, kept from 4,800."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gift_shop, "ENTER", (0, 1_000_00, 6_000_00, 20_000_00))
        patch.setattr(gift_shop, "KEEP", (0, 800_00, 4_800_00, 16_000_00))
        return evaluate_all(make_excerpt.excerpt(), LAST_DAY)


def test_the_changed_program_is_the_demo_with_another_gold(program: cr.Program) -> None:
    levels = program.document_data()["policies"][0]["levels"]
    levels[2] |= {"enter": {"spend_12m": ">= 6000"}, "keep": {"spend_12m": ">= 4800"}}
    assert change.changed_program() == program.revise("levels", levels=levels)


def test_who_would_close_at_which_level_is_what_the_independent_computation_says(
    comparison: cr.Comparison, expected: dict[str, Result], expected_of_change: dict[str, Result]
) -> None:
    moves = Counter((expected[customer].level, expected_of_change[customer].level) for customer in expected)
    (movement,) = comparison.total.levels
    assert {(row.base, row.candidate): row.customers for row in movement.rows} == moves
    assert movement.moved > 0


def test_what_the_changed_rule_would_have_cost_is_what_the_independent_computation_says(
    comparison: cr.Comparison, expected: dict[str, Result], expected_of_change: dict[str, Result]
) -> None:
    before, after = totals(expected), totals(expected_of_change)
    (account,) = comparison.total.accounts
    names = {"issued": "issued", "reversed": "taken_back", "forgiven": "forgiven", "settled": "settled", "expired": "expired"}
    names |= {name: name for name in ("usable", "pending", "owed")}
    found = {name: (figure.base, figure.candidate) for name, figure in {**account.moved, **account.held}.items() if name in names}
    assert found == {name: (before[called], after[called]) for name, called in names.items()}
    assert after["issued"] < before["issued"]


def test_what_the_changed_rule_would_have_done_is_printed(printed: tuple[Path, str], comparison: cr.Comparison) -> None:
    block = printed[1].partition("What gold from 6,000 GBP would have done")[2].partition("Customer")[0]
    gold = next(figure for name, figure in change.differing(comparison).items() if name == "gold")
    assert cells(block, "Gold") == [str(gold.base), str(gold.candidate), str(gold.difference)]
    assert f"{comparison.total.affected} customers would have been answered differently" in block


def test_the_changed_program_stands_in_the_folder(printed: tuple[Path, str]) -> None:
    assert cr.load(printed[0] / "changed.yaml") == change.changed_program()


def test_one_refund_is_quoted_by_two_causes_on_a_card_that_is_said_to_be_invented(printed: tuple[Path, str]) -> None:
    # 1000 paid and 200 given, 300 used of 375 at list price: 1000 - 375, and 1000 - 300 x 1000/1200
    folder, text = printed
    quotes = card.quotes(card.card_program())
    assert {cause: card.amounts(step) for cause, step in quotes.items()} == {
        "consumer": ("625.00 GBP", "375.00 GBP"),
        "merchant": ("750.00 GBP", "250.00 GBP"),
    }
    assert "The card is invented" in text
    assert re.search(r"consumer +375.00 GBP +625.00 GBP\n +merchant +250.00 GBP +750.00 GBP", text)
    assert card.told(card.card_program())["invented"] is True
    assert cr.load(folder / card.CARD) == card.card_program()


# -- who is at risk -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def at_risk(demo: Run) -> leaving.Leaving:
    return demo.at_risk


def test_who_is_at_risk_is_printed_with_the_reasons(printed: tuple[Path, str], at_risk: leaving.Leaving) -> None:
    assert at_risk.customers == 595
    for one in at_risk.most:
        assert f"{one.customer_id}  " in printed[1]
        assert one.why
        assert all(cr.render(why) in printed[1] for why in one.why)


def test_nobody_who_is_silent_at_risk_bought_within_twelve_weeks(at_risk: leaving.Leaving, events: list[AnyEvent]) -> None:
    """The floor of 84 days; and the flag was confirmed on the Monday after."""
    assert at_risk.most
    for one in at_risk.most:
        last = max(event.occurred_at.date() for event in events if event.customer_id == one.customer_id and event.type == "purchase")
        if any(why.params["signal"] == "silence" for why in one.why):
            assert (one.since - last).days > 84
        assert one.since.weekday() == 0


def test_the_program_of_those_at_risk_stands_in_the_folder_without_findings(printed: tuple[Path, str]) -> None:
    assert cr.load(printed[0] / leaving.AT_RISK) == leaving.at_risk_program()
    assert [found for found in cr.check(leaving.at_risk_program()) if found.severity != "info"] == []
