"""``python -m tests.benchmarks [names] [--rounds N] [--rows N] [--markdown FILE]``: figures as a table, goals as ratios."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import care_plan, columns, engines, flatness, lunar, rows, state_size, w1, w2, w3, w4
from benchmarks.rounds import Row
from benchmarks.timing import Goal, Report, check_outputs, of_children, race

MARK = "<!-- figures -->"
OUT = "hand-written, Decimal"
FACTS_IN = ("zen-engine, compiled expression", "datalogic-py, session", "rule-engine", "business-rules")


def deciding(name: str, module: ModuleType, wanted: float) -> Callable[[int, int], Report]:
    """One policy on typed facts, with reason codes."""

    def run(count: int, rounds: int) -> Report:
        given = module.rows(count)
        contenders = module.contenders(given)
        check_outputs(contenders, [module.exact(row) for row in given])
        figures = race(contenders, rounds)
        ratios = {figure.name: figure.ratio for figure in figures}
        own = ratios["custrules"]
        goals = [Goal(f"{name} vs {OUT} (frozen dataclasses in and out)", wanted, own)]
        others = {other: ratios[other] / own for other in FACTS_IN if other in ratios}
        if others:
            fastest = min(others, key=lambda other: others[other])
            goals.append(Goal(f"{name}: times faster than the fastest other engine ({fastest})", 4, others[fastest], at_least=True))
        if FACTS_IN[0] in others:
            goals.append(Goal(f"{name}: times faster than {FACTS_IN[0]}", 8, others[FACTS_IN[0]], at_least=True))
        return Report(f"{name}: {(module.__doc__ or '').partition(': ')[2]}", figures, goals)

    return run


def tracing(name: str, module: ModuleType) -> Callable[[int, int], Report]:
    """The full trace against code that explains nothing."""

    def run(count: int, rounds: int) -> Report:
        given = module.rows(count)
        contenders = module.tracing(given)
        check_outputs(contenders, [module.silent(row) for row in given])
        figures = race(contenders, rounds)
        report = Report(f"{name} with every cell compared and kept", figures)
        return Report(
            report.title, figures, [Goal(f"{name} with full trace vs code that explains nothing", 2.2, report.ratio("custrules, full trace"))]
        )

    return run


def from_raw_rows(count: int, rounds: int) -> Report:
    count -= count % rows.CHUNK
    contenders = rows.contenders(count)
    exact = rows.exact(count)
    check_outputs(contenders, [exact[begin : begin + rows.CHUNK] for begin in range(0, count, rows.CHUNK)])
    figures = race(contenders, rounds)
    report = Report("Raw rows to validated facts to W1, W2 and W3", figures)
    goal = Goal("raw rows in bulk vs a pydantic model per event and closures", 0.3, report.ratio("custrules, read_all and three evaluators"))
    return Report(report.title, figures, [goal])


def imports(count: int, rounds: int) -> Report:
    figures = race(rows.import_contenders(), rounds, of_children)
    report = Report("Imports (with the start of the interpreter)", figures)
    return Report(report.title, figures, [Goal("import custrules vs import pydantic", 1.3, report.ratio("import custrules"))])


def conversions(count: int, rounds: int) -> Report:
    """Lunar dates, there and back, against one month added by python-dateutil."""
    given = lunar.days(count)
    check_outputs({"custrules, there and back": lunar.there_and_back(given)}, given)
    figures = race(lunar.contenders(given), rounds)
    ratios = {figure.name: figure.ratio for figure in figures}
    goals = [Goal(f"{name} vs {lunar.BASELINE}", 1.0, ratio) for name, ratio in ratios.items() if name != lunar.BASELINE]
    return Report("Lunar dates", figures, goals)


def measured(title: str, measure: Callable[[], list[Row]]) -> Callable[[int, int], Report]:
    """What measures itself: rows with a goal (``<= 3``) become goals, the others remarks."""

    def run(count: int, rounds: int) -> Report:
        found = measure()
        aimed = [(name, value, goal.split()) for name, value, goal in found if goal[:2] in ("<=", ">=")]
        goals = [Goal(name, float(goal[1]), float(value.split()[0]), at_least=goal[0] == ">=") for name, value, goal in aimed]
        return Report(title, [], goals, [f"{name}: {value}" for name, value, goal in found if goal[:2] not in ("<=", ">=")])

    return run


BENCHMARKS: Mapping[str, Callable[[int, int], Report]] = {
    "w1": deciding("W1", w1, 0.35),
    "w2": deciding("W2", w2, 0.35),
    "w3": deciding("W3", w3, 0.70),
    "w1-trace": tracing("W1", w1),
    "w2-trace": tracing("W2", w2),
    "w3-trace": tracing("W3", w3),
    "rows": from_raw_rows,
    "columns": columns.report,
    "care": measured("Plans of contact", care_plan.rows),
    "imports": imports,
    "lunar": conversions,
    "w4": measured("W4: earn, redeem soonest expiry first or refuse, take back", w4.rows),
    "state": measured("State A: its size, and a step of what is stored", state_size.rows),
    "flatness": measured("A step after ten years, and with 10,000 lots", flatness.rows),
}
"""What can be run, by name; each takes the number of rows and of rounds. Outputs are compared with exact arithmetic before anything is timed."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which to run (default: all)")
    parser.add_argument("--rounds", type=int, default=21, help="interleaved rounds (default: 21)")
    parser.add_argument("--rows", type=int, default=3000, help="random rows of each workload (default: 3000)")
    parser.add_argument("--markdown", type=Path, help=f"also write the tables to this file; what stands above its line {MARK} stays")
    options = parser.parse_args(arguments)
    reports = []
    for name in options.names or BENCHMARKS:
        reports.append(BENCHMARKS[name](options.rows, options.rounds))
        print(_table(reports[-1]), flush=True)
    print(_goals(reports))
    if options.markdown:
        before = options.markdown.read_text(encoding="utf-8") if options.markdown.exists() else ""
        options.markdown.write_text(_below(before, _markdown(reports)), encoding="utf-8")
    return 0


def _table(report: Report) -> str:
    lines = [report.title, *(f"  {figure.name:70} {figure.nanoseconds:12,.0f} ns {figure.ratio:9.2f}" for figure in report.figures)]
    return "\n".join([*lines, *(f"  {remark}" for remark in report.remarks), ""])


def _goals(reports: list[Report]) -> str:
    return "\n".join(["Goals", *(f"  {_goal(goal)}" for report in reports for goal in report.goals), *_absent()])


def _goal(goal: Goal) -> str:
    return f"{'met   ' if goal.met else 'missed'} {goal.measure}: {_ratio(goal.found)} (goal {'>=' if goal.at_least else '<='} {goal.wanted})"


def _absent() -> list[str]:
    return [f"  absent {package}" for package in engines.absent()]


def _markdown(reports: list[Report]) -> str:
    parts = [f"{_versions()}. Processor time, medians over interleaved rounds; ratios are taken round by round to the first row.\n"]
    for report in reports:
        rows_of = [f"| {figure.name} | {figure.nanoseconds:,.0f} | {figure.ratio:.2f} |" for figure in report.figures]
        table = ["| | ns | ratio |", "|---|---:|---:|", *rows_of] if rows_of else []
        parts.append("\n".join([f"## {report.title}", "", *table, *(f"- {remark}" for remark in report.remarks), ""]))
    goals = [_goal_row(goal) for report in reports for goal in report.goals]
    parts.append("\n".join(["## Goals", "", "| measure | goal | found | |", "|---|---:|---:|---|", *goals]))
    return "\n".join(parts) + "\n"


def _goal_row(goal: Goal) -> str:
    return f"| {goal.measure} | {'≥' if goal.at_least else '≤'} {goal.wanted:g} | {_ratio(goal.found)} | {'met' if goal.met else '**missed**'} |"


def _ratio(found: float) -> str:
    """Two decimals, or two digits that count."""
    return f"{found:.2f}" if found >= 0.1 else f"{found:.2g}"


def _below(before: str, tables: str) -> str:
    """A file's text with these tables in place of what stood below its mark, or of everything where it has none."""
    head, mark, _ = before.partition(f"{MARK}\n")
    return f"{head}{mark}\n{tables}" if mark else tables


def _versions() -> str:
    found = [f"{platform.python_implementation()} {platform.python_version()}"]
    for package in ("pydantic", *engines.ENGINES.values()):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    return ", ".join(found)


if __name__ == "__main__":
    raise SystemExit(main())
