"""Tables as policies: what they give are facts; versions, time, explanations, faults with their places, CSV files."""

from __future__ import annotations

import json
import os
import pickle
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

import custrules as cr
from custrules.conditions import Table
from custrules.events import AnyEvent
from custrules.policy import Phase, reason

HEAD = """\
program: shop
zone: UTC
currency: CNY
profile: {region: {type: text, values: [city, county]}, birthday: {type: birthday}}
measures: {spend: {sum: spend, window: lifetime}, idle: {since: purchase}}
policies:
  - id: levels
    kind: tiers.ladder
    levels: [{name: member}, {name: silver, enter: {spend: ">= 100"}}, {name: gold, enter: {spend: ">= 500"}}]
    downgrade: one_level
  - {id: points, kind: points.account, expiry: never}
"""
DESK = """\
  - id: desk
    kind: table
    hit: FIRST
    table: |
      tier      | region | -> owner
      gold      | -      | centre
      >= silver | city   | centre
      -         | -      | branch
"""
DOUBLE = """\
  - id: earn
    kind: points.accrual
    points_per_unit: 1
    multiply: [{by: 2, when: {desk.owner: centre}}]
"""


def enrolled(program: cr.Program, **profile: str) -> cr.State:
    event = {"type": "enrolment", "id": "e", "customer_id": "c", "occurred_at": "2026-01-01T12:00:00Z", "profile": profile}
    return program.step(cr.State.new("c"), program.event(event)).state


def purchase(program: cr.Program, id: str, day: str, amount: str) -> cr.Event:
    return program.event({"type": "purchase", "id": id, "customer_id": "c", "occurred_at": f"{day}T12:00:00Z", "amount": amount})


def bought(program: cr.Program, state: cr.State, id: str, day: str, amount: str) -> cr.State:
    step = program.step(state, purchase(program, id, day, amount))
    assert step.accepted
    return step.state


def points(state: cr.State) -> Any:
    return state.points("points").available


def faults(text: str, **options: Any) -> list[tuple[str, int, int]]:
    with pytest.raises(cr.DocumentError) as caught:
        cr.loads(text, **options)
    return [(fault.code.removeprefix("document."), fault.line, fault.column) for fault in caught.value.diagnostics]


# --- facts ------------------------------------------------------------------------------------------------------------


def test_the_output_of_a_table_is_a_fact_of_conditions() -> None:
    program = cr.loads(HEAD + DESK + DOUBLE)
    told = {}
    for region in ("city", "county"):
        state = bought(program, enrolled(program, region=region), "p1", "2026-02-01", "100")  # a member still: 100 points
        told[region] = points(bought(program, state, "p2", "2026-02-02", "10"))
    assert told == {"city": 120, "county": 110}


def test_a_return_takes_back_by_the_answer_that_was_recorded() -> None:
    program = cr.loads(HEAD + DESK + DOUBLE)
    state = bought(program, enrolled(program, region="city"), "p1", "2026-02-01", "500")
    state = bought(program, state, "p2", "2026-02-02", "10")
    moved = {"type": "profile_update", "id": "m", "customer_id": "c", "occurred_at": "2026-02-03T12:00:00Z", "profile": {"region": "county"}}
    state = program.step(state, program.event(moved)).state
    back = {"type": "return", "id": "r", "customer_id": "c", "occurred_at": "2026-02-04T12:00:00Z", "of": "p2"}
    assert points(program.step(state, program.event(back)).state) == 500


def test_tables_read_the_outputs_of_tables() -> None:
    rates = "  - {id: rates, kind: table, hit: F, inputs: [desk.owner], outputs: [name], rows: [[centre, double], ['-', plain]]}\n"
    program = cr.loads(HEAD + rates + DESK + DOUBLE.replace("desk.owner: centre", "rates.name: double"))
    state = bought(program, enrolled(program, region="city"), "p1", "2026-02-01", "100")
    assert points(bought(program, state, "p2", "2026-02-02", "10")) == 120


def test_a_typed_output_compares_as_its_type() -> None:
    table = "  - {id: t, kind: table, hit: C+, inputs: [tier], outputs: [{name: fee, type: money}], rows: [['-', 1.50], [silver, 2]]}\n"
    earn = "  - {id: earn, kind: points.accrual, points: 7, when: {t.fee: '>= 3.50'}}\n"
    program = cr.loads(HEAD + table + earn)
    state = bought(program, enrolled(program), "p1", "2026-02-01", "100")
    assert points(bought(program, state, "p2", "2026-02-02", "10")) == 7


def test_a_level_given_by_a_table_compares_by_its_rank() -> None:
    table = "  - {id: t, kind: table, inputs: [region], outputs: [{name: floor, type: level}], rows: [[city, silver]]}\n"
    earn = "  - {id: earn, kind: points.accrual, points: 7, when: {t.floor: '>= silver'}}\n"
    program = cr.loads(HEAD + table + earn)
    told = {region: points(bought(program, enrolled(program, region=region), "p1", "2026-02-01", "1")) for region in ("city", "county")}
    assert told == {"city": 7, "county": 0}


def test_a_clash_leaves_the_fact_missing_and_breaks_no_step() -> None:
    table = "  - {id: t, kind: table, inputs: [tier], outputs: [o], rows: [['-', a], [member, b]]}\n"
    earn = "  - {id: earn, kind: points.accrual, points: 7, when: {t.o: missing}}\n"
    program = cr.loads(HEAD + table + earn)
    assert points(bought(program, enrolled(program), "p1", "2026-02-01", "1")) == 7


def test_a_table_has_no_effects_and_no_decisions() -> None:
    program = cr.loads(HEAD + DESK)
    step = program.step(cr.State.new("c"), purchase(program, "p", "2026-02-01", "600"))
    assert {decision.policy_id for decision in step.decisions} == {"levels"}


# --- versions ---------------------------------------------------------------------------------------------------------

VERSIONS = """\
  - {id: t, kind: table, effective_from: 2026-03-01, inputs: [tier], outputs: [o], rows: [['-', early]]}
  - {id: t, kind: table, effective_from: 2026-04-01, inputs: [tier], outputs: [o], rows: [['-', late]]}
  - {id: t, kind: table, effective_from: 2026-05-01, retired: true, inputs: [tier], outputs: [o], rows: [['-', late]]}
  - {id: earn, kind: points.accrual, points: 1, when: {t.o: early}}
  - {id: earn2, kind: points.accrual, points: 10, when: {t.o: late}}
  - {id: earn3, kind: points.accrual, points: 100, when: {t.o: missing}}
"""


@pytest.mark.parametrize(("day", "awarded"), [("2026-02-28", 100), ("2026-03-01", 1), ("2026-03-31", 1), ("2026-04-01", 10), ("2026-05-01", 100)])
def test_the_version_of_the_day_answers_and_a_retired_one_gives_nothing(day: str, awarded: int) -> None:
    program = cr.loads(HEAD + VERSIONS)
    assert points(bought(program, cr.State.new("c"), "p", day, "1")) == awarded


def test_an_output_keeps_its_kind_through_all_versions() -> None:
    text = HEAD + (
        "  - {id: t, kind: table, effective_from: 2026-03-01, inputs: [tier], outputs: [o], rows: [['-', '1']]}\n"
        "  - {id: t, kind: table, effective_from: 2026-04-01, hit: C#, inputs: [tier], outputs: [o], rows: [['-', '1']]}\n"
    )
    assert faults(text) == [("output_changed", 13, 89)]


# --- time -------------------------------------------------------------------------------------------------------------

SLEEPING = """\
program: shop
zone: UTC
currency: CNY
measures: {idle: {since: purchase}}
policies:
  - {id: habit, kind: table, hit: F, inputs: [idle], outputs: [kind], rows: [['>= 30', sleeping], ['-', awake]]}
  - {id: mood, kind: table, hit: F, inputs: [habit.kind], outputs: [word], rows: [[sleeping, call], ['-', wait]]}
  - {id: l, kind: tiers.ladder, levels: [{name: base}, {name: lost, enter: {mood.word: call}}], downgrade: one_level}
"""


def test_a_condition_over_a_table_is_due_when_what_the_table_reads_changes() -> None:
    program = cr.loads(SLEEPING)
    state = bought(program, cr.State.new("c"), "p", "2026-01-01", "1")
    state = program.advance(state, datetime(2026, 6, 1, tzinfo=UTC)).state
    level = state.tier()
    assert level is not None
    assert (level.name, level.since) == ("lost", date(2026, 1, 31))


def test_daily_and_never_sent_days_agree_about_tables() -> None:
    program = cr.loads(SLEEPING)
    daily = sparse = bought(program, cr.State.new("c"), "p", "2026-01-01", "1")
    for day in range(2, 60):
        daily = program.advance(daily, datetime.fromordinal(date(2026, 1, 1).toordinal() + day).replace(tzinfo=UTC)).state
    assert daily.as_of is not None
    sparse = program.advance(sparse, daily.as_of).state
    assert sparse.to_json() == daily.to_json()


# --- explanations -----------------------------------------------------------------------------------------------------


def tables_of(program: cr.Program, state: cr.State, policy: str = "earn") -> list[Any]:
    explanation = program.explain(state, purchase(program, "p9", "2026-02-09", "10"))
    return [table for entry in explanation.entries if entry.policy_id == policy for table in entry.tables]


def test_an_explanation_tells_which_row_fired_and_why_not_those_before() -> None:
    program = cr.loads(HEAD + DESK + DOUBLE)
    state = bought(program, enrolled(program, region="city"), "p1", "2026-02-01", "100")
    (table,) = tables_of(program, state)
    assert (table.table, table.fired, table.values, [row.result for row in table.rows]) == ("desk", (2,), {"owner": "centre"}, [False, True])
    assert [(leaf.fact, leaf.observed, leaf.result) for leaf in table.rows[0].children] == [("tier", "silver", False)]


def test_an_explanation_names_the_rows_that_clash() -> None:
    table = "  - {id: t, kind: table, inputs: [tier], outputs: [o], rows: [['-', a], [silver, b], [member, c]]}\n"
    program = cr.loads(HEAD + table + "  - {id: earn, kind: points.accrual, points: 7, when: {t.o: a}}\n")
    (told,) = tables_of(program, enrolled(program))
    assert (told.fired, told.values, told.reason.code, told.reason.params["rows"]) == ((1, 3), {"o": None}, "table.unique.several", "1, 3")


def test_an_explanation_goes_on_to_the_tables_behind_a_table() -> None:
    program = cr.loads(SLEEPING)
    state = bought(program, cr.State.new("c"), "p", "2026-01-01", "1")
    assert {table.table for table in tables_of(program, state, "l")} == {"mood", "habit"}


class Reader(cr.Policy):
    """Reads the output of a table without a condition."""

    kind: ClassVar[str] = "toys.reader"
    fact: cr.Fact[str]

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        return self.applied(event, [reason("toys.reader.read", owner=view.fact(self.fact))])


def test_an_explanation_tells_the_table_behind_a_fact_that_is_read_as_it_is() -> None:
    program = cr.loads(HEAD + DESK + "  - {id: reader, kind: toys.reader, fact: desk.owner}\n", kinds={"toys.reader": Reader})
    (table,) = tables_of(program, enrolled(program, region="city"), "reader")
    assert (table.table, table.fired, table.values) == ("desk", (3,), {"owner": "branch"})


@pytest.mark.parametrize(
    ("lang", "line"),
    [("en", "desk: by row 2: owner = centre."), ("zh", "desk：按第 2 行：owner = centre。")],
)
def test_the_words_of_an_explanation_name_the_row(lang: str, line: str) -> None:
    program = cr.loads(HEAD + DESK + DOUBLE)
    state = bought(program, enrolled(program, region="city"), "p1", "2026-02-01", "100")
    explanation = program.explain(state, purchase(program, "p9", "2026-02-09", "10"))
    lines = [said.strip() for said in cr.render(explanation, lang).splitlines()]
    assert line in lines
    assert json.loads(explanation.to_json())["entries"]


# --- the document -----------------------------------------------------------------------------------------------------


def test_a_program_with_a_table_reads_back_from_its_json() -> None:
    program = cr.loads(HEAD + DESK + DOUBLE)
    assert cr.Program.from_json(program.to_json()) == program
    assert pickle.loads(pickle.dumps(program)) == program


def test_rows_and_text_make_the_same_program() -> None:
    rows = [["gold", "-", "centre"], [">= silver", "city", "centre"], ["-", "-", "branch"]]
    entry = {"id": "desk", "kind": "table", "hit": "FIRST", "inputs": ["tier", "region"], "outputs": ["owner"], "rows": rows}
    known = cr.loads(HEAD + DESK)
    data = json.loads(known.to_json())
    data["policies"][2] = entry
    assert cr.Program.from_json(json.dumps(data)).digest == known.digest


def test_tables_that_read_one_another_are_refused_once_for_a_circle() -> None:
    text = HEAD + (
        "  - {id: a, kind: table, inputs: [tier, b.x], outputs: [x], rows: [['-', '-', '1']]}\n"
        "  - {id: b, kind: table, inputs: [c.x], outputs: [x], rows: [['-', '1']]}\n"
        "  - {id: c, kind: table, inputs: [a.x], outputs: [x], rows: [['-', '1']]}\n"
        "  - {id: d, kind: table, inputs: [d.x], outputs: [x], rows: [['-', '1']]}\n"
        "  - {id: e, kind: table, inputs: [a.x], outputs: [x], rows: [['-', '1']]}\n"
    )
    assert faults(text) == [("fact_circle", 12, 41), ("fact_circle", 15, 35)]


def test_a_long_row_of_tables_is_refused() -> None:
    rows = [f"  - {{id: t{n}, kind: table, inputs: [{f't{n - 1}.x' if n else 'tier'}], outputs: [x], rows: [['-', '1']]}}\n" for n in range(40)]
    assert [code for code, _, _ in faults(HEAD + "".join(rows))] == ["tables_too_deep"]
    assert cr.loads(HEAD + "".join(rows[:20])).policies


def test_a_list_is_not_read_by_conditions() -> None:
    table = "  - {id: t, kind: table, hit: RULE ORDER, inputs: [tier], outputs: [o], rows: [['-', a]]}\n"
    assert faults(HEAD + table + "  - {id: earn, kind: points.accrual, points: 7, when: {t.o: a}}\n") == [("fact_is_a_list", 13, 56)]


# --- places -----------------------------------------------------------------------------------------------------------


def test_a_fault_in_a_block_of_yaml_stands_at_its_cell() -> None:
    text = HEAD + "  - id: desk\n    kind: table\n    table: |\n        tier     | region | -> owner\n        # a\n        platinum | citty  | x\n"
    assert faults(text) == [("bad_cell", 17, 9), ("bad_cell", 17, 20)]


@pytest.mark.parametrize(
    ("table", "cell", "code"),
    [
        (r"month | weekday | -> o\n- | fonday | x", "fonday", "bad_cell"),
        (r"# \ud83d\ude00\u4e00\nmonth | weekday | -> o\n\t- | fonday | x", "fonday", "bad_cell"),
        (r"month | -> \"o\u007c\"\n- | x", r"-> \"o\u007c\"", "wrong_type"),
    ],
)
def test_a_fault_in_the_text_of_json_stands_at_its_cell(table: str, cell: str, code: str) -> None:
    line = f'"table": "{table}"}}]}}'
    text = '{"program": "p", "zone": "UTC", "currency": "CNY", "policies": [{"id": "t", "kind": "table",\n' + line
    assert faults(text, format="json") == [(code, 2, line.index(cell) + 1)]


@pytest.mark.parametrize(("quotes", "place"), [("'''\n", (8, 5)), ('"""\n', (8, 5))])
def test_a_fault_in_the_text_of_toml_stands_at_its_cell(quotes: str, place: tuple[int, int]) -> None:
    text = f'program = "p"\nzone = "UTC"\ncurrency = "CNY"\n[[policies]]\nid = "t"\nkind = "table"\ntable = {quotes}'
    text += f"month | -> o\n#\n    x | y\n{quotes}"
    assert faults(text, format="toml") == [("bad_cell", place[0] + 2, place[1])]


# --- CSV --------------------------------------------------------------------------------------------------------------

CSV = 'tier,region,-> owner\r\n# 所有人\r\n"gold, silver",city,"centre, ""A"""\r\n-,-,branch\r\n'
NAMED = "  - {id: desk, kind: table, hit: FIRST, csv: tables/desk.csv}\n"


def saved(folder: Path, csv: bytes, entry: str = NAMED) -> Path:
    (folder / "tables").mkdir(exist_ok=True)
    (folder / "tables" / "desk.csv").write_bytes(csv)
    (folder / "shop.yaml").write_text(HEAD + entry, "utf-8")
    return folder / "shop.yaml"


def file_faults(path: Path) -> list[tuple[str, str, int, int]]:
    with pytest.raises(cr.DocumentError) as caught:
        cr.load(path)
    return [(fault.code.removeprefix("document."), Path(fault.source).name, fault.line, fault.column) for fault in caught.value.diagnostics]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_csv_file_beside_the_document_is_its_rows(tmp_path: Path, mark: str) -> None:
    program = cr.load(saved(tmp_path, (mark + CSV).encode()))
    rows = json.loads(program.to_json())["policies"][-1]["rows"]
    assert rows == [["gold, silver", "city", 'centre, "A"'], ["-", "-", "branch"]]
    assert cr.Program.from_json(program.to_json()).digest == program.digest


def test_the_digest_covers_what_a_csv_file_says(tmp_path: Path) -> None:
    before = cr.load(saved(tmp_path, CSV.encode())).digest
    assert cr.load(saved(tmp_path, CSV.replace("branch", "county").encode())).digest != before


def test_a_fault_in_a_csv_file_stands_at_its_cell_under_its_own_name(tmp_path: Path) -> None:
    path = saved(tmp_path, '\ufefftier,region,-> owner\n\n"gold ",platinum,x\n"platinum",-,y\n-,-\n'.encode())
    assert file_faults(path) == [("wrong_cells", "desk.csv", 5, 1)]
    path = saved(tmp_path, '\ufefftier,region,-> owner\n\n"gold ",platinum,x\n"platinum",-,y\n'.encode())
    assert file_faults(path) == [("bad_cell", "desk.csv", 3, 9), ("bad_cell", "desk.csv", 4, 1)]


@pytest.mark.parametrize("line", ['gold,"city,x', 'gold,"city" x,y', 'gold,ci"ty,x'])
def test_quotes_in_a_csv_file_go_around_whole_cells(tmp_path: Path, line: str) -> None:
    path = saved(tmp_path, f"tier,region,-> owner\n{line}\n".encode())
    assert file_faults(path) == [("bad_table", "desk.csv", 2, 6)]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_only_commas_part_the_cells_of_a_csv_file(tmp_path: Path, mark: str) -> None:
    path = saved(tmp_path, f"tier{mark}-> owner\n-{mark}x\n".encode())
    assert file_faults(path) == [("bad_table", "desk.csv", 1, 1)]
    with pytest.raises(cr.DocumentError, match="the comma , between cells"):
        cr.load(path)


def test_a_csv_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    assert file_faults(saved(tmp_path, "tier,-> owner\n-,支行\n".encode("gb18030"))) == [("unreadable_file", "shop.yaml", 12, 46)]


def test_a_csv_file_that_is_not_there_is_a_fault_at_its_path(tmp_path: Path) -> None:
    path = saved(tmp_path, b"", NAMED.replace("desk.csv", "dest.csv"))
    assert file_faults(path) == [("unreadable_file", "shop.yaml", 12, 46)]


@pytest.mark.parametrize("name", ["../desk.csv", "/etc/desk.csv", "desk.txt", "C:/desk.csv", "tables\\desk.csv"])
def test_only_csv_files_below_the_folder_of_the_document_are_read(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, b"", f"  - {{id: desk, kind: table, csv: '{name}'}}\n")
    assert file_faults(path) == [("bad_file_path", "shop.yaml", 12, 34)]


@pytest.mark.parametrize("link", ["desk.csv", "elsewhere"])
def test_a_link_does_not_lead_out_of_the_folder_of_the_document(tmp_path: Path, link: str) -> None:
    shop, outside = tmp_path / "shop", tmp_path / "outside"
    shop.mkdir()
    outside.mkdir()
    (outside / "desk.csv").write_text(CSV, "utf-8")
    path = saved(shop, b"", f"  - {{id: desk, kind: table, csv: {'elsewhere/desk.csv' if link == 'elsewhere' else link}}}\n")
    (shop / link).symlink_to(outside if link == "elsewhere" else outside / link)
    assert [code for code, *_ in file_faults(path)] == ["bad_file_path"]


def test_a_link_inside_the_folder_of_the_document_is_followed(tmp_path: Path) -> None:
    path = saved(tmp_path, CSV.encode(), NAMED.replace("tables/desk.csv", "link.csv"))
    (tmp_path / "link.csv").symlink_to(tmp_path / "tables" / "desk.csv")
    assert [policy.id for policy in cr.load(path).policies][-1] == "desk"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_pipe_is_no_csv_file(tmp_path: Path) -> None:
    path = saved(tmp_path, b"", NAMED.replace("desk.csv", "pipe.csv"))
    os.mkfifo(tmp_path / "tables" / "pipe.csv")
    assert [code for code, *_ in file_faults(path)] == ["unreadable_file"]


def test_a_document_from_a_stranger_names_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, CSV.encode())
    monkeypatch.chdir(tmp_path)
    assert faults(HEAD + NAMED, source="shop.yaml") == [("no_files", 12, 46)]
    with pytest.raises(cr.DocumentError, match=r"document\.no_files"):
        cr.Program(id="p", zone="UTC", currency="CNY", policies=[{"id": "t", "kind": "table", "csv": "tables/desk.csv"}])


# --- a table as a field of another policy -----------------------------------------------------------------------------


class Gift(cr.Policy):
    """Gives what a table of its own says about the event."""

    kind: ClassVar[str] = "toys.gift"
    phase: ClassVar[Phase] = "care"
    hears: ClassVar[tuple[str, ...] | None] = ("purchase", "new_day")

    choose: Table

    def event_name(self) -> str:
        return "purchase"

    def writes(self) -> tuple[str, ...]:
        return ("gift",)

    def decide(self, event: AnyEvent, view: cr.View, /) -> cr.Decision | None:
        gift = view.outcome(self.choose).values["gift"]
        held = view.state.statuses.get(("gift", ""))
        if gift is None or (held is not None and held.value == gift):
            return None
        return self.applied(event, [reason("toys.gift.given")], [cr.Status("gift", str(gift), view.day)])

    def due(self, view: cr.View, /) -> date | None:
        return view.next_change(self.choose)


GIFTS = """\
program: shop
zone: UTC
currency: CNY
measures: {idle: {since: purchase}}
policies:
  - id: gifts
    kind: toys.gift
    choose:
      hit: F
      table: |
        amount | idle  | -> gift
        >= 100 | -     | mug
        -      | >= 30 | card
"""


def test_a_table_inside_a_policy_reads_the_event_and_changes_with_time() -> None:
    program = cr.loads(GIFTS, kinds={"toys.gift": Gift})
    state = bought(program, cr.State.new("c"), "p", "2026-01-01", "100")
    assert state.status("gift").value == "mug"
    later = program.advance(state, datetime(2026, 3, 1, tzinfo=UTC)).state.status("gift")
    assert (later.value, later.since) == ("card", date(2026, 1, 31))


def test_an_explanation_tells_the_rows_of_a_table_inside_a_policy() -> None:
    program = cr.loads(GIFTS, kinds={"toys.gift": Gift})
    explanation = program.explain(cr.State.new("c"), purchase(program, "p", "2026-01-01", "100"))
    (told,) = [table for entry in explanation.entries for table in entry.tables]
    assert (told.table, told.fired, told.values) == ("choose", (1,), {"gift": "mug"})


def test_a_fault_in_a_table_inside_a_policy_stands_at_its_cell() -> None:
    assert faults(GIFTS.replace(">= 30", "often"), kinds={"toys.gift": Gift}) == [("bad_cell", 13, 18)]


def test_a_table_inside_a_policy_reads_back_and_may_be_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "gifts.csv").write_text("amount,idle,-> gift\n>= 100,-,mug\n-,>= 30,card\n", "utf-8")
    (tmp_path / "shop.yaml").write_text(GIFTS[: GIFTS.index("      hit: F")] + "      {hit: F, csv: gifts.csv}\n", "utf-8")
    known = cr.loads(GIFTS, kinds={"toys.gift": Gift})
    assert cr.load(tmp_path / "shop.yaml", kinds={"toys.gift": Gift}) == known
    assert cr.Program.from_json(known.to_json(), kinds={"toys.gift": Gift}) == known


# --- what was, and what costs -----------------------------------------------------------------------------------------


def test_a_level_reached_through_a_table_falls_with_a_return_as_one_reached_directly() -> None:
    ladder = "  - {id: l, kind: tiers.ladder, downgrade: one_level, levels: [{name: member}, {name: gold, enter: {%s}}]}\n"
    table = "  - {id: t, kind: table, hit: F, inputs: [spend], outputs: [o], rows: [['>= 100', good], ['-', poor]]}\n"
    head = "program: p\nzone: UTC\ncurrency: CNY\nmeasures: {spend: {sum: spend, window: lifetime}}\npolicies:\n"
    told = []
    for text in (head + table + ladder % "t.o: good", head + ladder % "spend: '>= 100'"):
        program = cr.loads(text)
        state = bought(program, cr.State.new("c"), "p", "2026-01-01", "150")
        back = {"type": "return", "id": "r", "customer_id": "c", "occurred_at": "2026-01-09T12:00:00Z", "of": "p", "amount": "60"}
        step = program.step(state, program.event(back))
        told.append((state.tier(), step.state.tier(), [why.code for decision in step.decisions for why in decision.reasons]))
    assert told[0] == told[1]
    assert "tiers.downgrade.lost" in told[0][2]
