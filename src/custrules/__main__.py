"""The command line: one function per verb. Results go to stdout, messages to stderr; nothing else here reads the machine.

Exit codes: 0 fine (a comparison that was made, whatever differs), 1 findings, 2 misuse (also of files: missing, unreadable, faulty
where a sound one is needed), 5 nothing collected. Ctrl-C ends with 130, a closed pipe with 141; both quietly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import custrules as cr
from custrules.analysis.comparing import Either
from custrules.cli import checks, planning, replays, schemas, statements
from custrules.cli.arguments import asked_language, parser
from custrules.cli.event_files import EventFile, EventFiles, placing
from custrules.cli.output import FINE, Misuse, Output, lenient, silence
from custrules.cli.passing import by_customer, end_of
from custrules.cli.telling import event_title, local, near_misses, standing
from custrules.errors import Faults
from custrules.events import AnyEvent

MISUSE, NOTHING = 2, 5
INTERRUPTED, PIPE_CLOSED = 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = parser(asked_language(given), VERBS).parse_args(given)
    except SystemExit as stop:
        return int(stop.code or 0)
    output = Output(lenient(sys.stdout), lenient(sys.stderr), arguments.lang, arguments.format)
    try:
        code = _guarded(output, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        silence()
        return PIPE_CLOSED
    return code


def _guarded(output: Output, arguments: argparse.Namespace) -> int:
    """A verb; what a person did wrong becomes a sentence, never a traceback."""
    try:
        return int(arguments.verb(output, arguments))
    except KeyboardInterrupt:
        output.refuse([output.refusal("interrupted")])
        return INTERRUPTED
    except Misuse as wrong:
        output.refuse([output.refusal(wrong.key, **wrong.params)])
        return NOTHING if wrong.key in ("nothing", "nothing_until") else MISUSE
    except Faults as error:
        unsorted = any(fault.code == "event.customer_came_back" for fault in error.diagnostics)
        output.refuse([*output.told(error.diagnostics), *([output.refusal("hint_sort")] if unsorted else [])])
    except cr.MissingExtra as error:
        output.refuse([_missing(output, error)])
    except cr.ContractError as error:
        output.refuse([output.refusal("plugin_broken", reason=error)])
    except BrokenPipeError:
        raise
    except OSError as error:
        output.refuse([_file_trouble(output, error)])
    return MISUSE


def _missing(output: Output, error: cr.MissingExtra) -> dict[str, object]:
    if error.extra == "tzdata":
        return output.refusal("missing_zones")
    return output.refusal("missing_extra", what=error.what, package=f"custrules[{error.extra}]")


def _file_trouble(output: Output, error: OSError) -> dict[str, object]:
    keys = {
        FileNotFoundError: "file_missing",
        IsADirectoryError: "file_folder",
        PermissionError: "file_forbidden",
        NotADirectoryError: "file_not_folder",
        FileExistsError: "file_not_folder",
    }
    key = next((key for kind, key in keys.items() if isinstance(error, kind)), "file_unreadable")
    return output.refusal(key, path=error.filename or "-", reason=error.strerror or str(error))


# -- verbs -------------------------------------------------------------------------------------------------------------


def explain(output: Output, arguments: argparse.Namespace) -> int:
    """One event of one customer, with the history up to it stepped first."""
    program = cr.load(arguments.document)
    state, event = _history(program, arguments)
    explanation = program.explain(state, event)
    after = explanation.step.state
    progress = program.progress(after)
    if output.shape == "json":
        data = {"customer_id": state.customer_id, "event": event.model_dump(mode="json", exclude_defaults=True) | {"type": event.type}}
        output.json(data | {"explanation": explanation.to_data(), "text": output.render(explanation), "progress": progress.to_data()})
        return FINE
    title = event_title(output, event)
    output.line(output.heading(output.say("explain_head", customer=state.customer_id, day=local(event, program.zone), event=title)))
    output.line(output.render(explanation))
    for key, lines in (("near", near_misses(output, explanation)), ("standing", list(standing(output, program, after, progress)))):
        if lines:
            output.line("\n".join(["", output.heading(output.say(f"explain_{key}")), *lines]))
    return FINE


def _history(program: cr.Program, arguments: argparse.Namespace) -> tuple[cr.State, AnyEvent]:
    """The customer's state before the event that is asked for, and that event."""
    file = EventFile(arguments.events, program)
    state, found = cr.State.new(arguments.customer), None
    for event in file.of_customer(arguments.customer):
        state = program.step(state, found).state if found is not None else state
        found = event
        if event.id == arguments.event:
            return state, event
    if found is None:
        raise Misuse("no_customer", customer=arguments.customer, path=arguments.events)
    if arguments.event is not None:
        raise Misuse("no_event", customer=arguments.customer, event=arguments.event, path=arguments.events)
    return state, found


def compare(output: Output, arguments: argparse.Namespace) -> int:
    """The same events under two programs, and what comes out differently."""
    paths = [*arguments.events, *arguments.events_too]
    if not paths:
        if output.shape == "text":
            output.note(arguments.usage().rstrip("\n"))
        raise Misuse("no_event_files")
    base, candidate = cr.load(arguments.base), cr.load(arguments.candidate)
    files = EventFiles(paths, Either(base, candidate))
    until = end_of(arguments.until, base.zone) if arguments.until is not None else None
    events: Iterable[AnyEvent] = by_customer(files) if arguments.sort else files
    with placing(files):
        found = cr.compare(base, candidate, output.counted(events), until=until, by=arguments.by, top=arguments.top)
    if not found.total.events + found.left_out:
        raise Misuse("nothing", path=", ".join(paths))
    if output.shape == "json":
        output.json(found.to_data())
        return FINE
    output.line(output.heading(output.say("compare_head", base=arguments.base, candidate=arguments.candidate)))
    output.line(output.render(found))
    return FINE


def backtest(output: Output, arguments: argparse.Namespace) -> int:
    """What a churn flag would have said on a day, held against who came back; with ``--fit`` also with thresholds fitted on the past."""
    from custrules.cli import backtesting  # noqa: PLC0415 - only this verb needs it

    found = backtesting.tested(output, arguments)
    if arguments.write is not None and found.fitted is not None:
        backtesting.written(arguments.write, found.fitted.program)
    if output.shape == "json":
        output.json(found.to_data())
        return FINE
    output.line(output.render(found))
    if arguments.write is not None:
        output.line(output.say("fitted_written", path=arguments.write))
    return FINE


def test(output: Output, arguments: argparse.Namespace) -> int:
    """Scenario files and folders; 1 where a scenario fails, 5 where there is none. With ``--init`` boundary scenarios are written."""
    from custrules.cli.scenarios import covered_lines  # noqa: PLC0415 - only this verb needs it
    from custrules.testing.coverage import Coverage  # noqa: PLC0415 - the same
    from custrules.testing.scenarios import main_test  # noqa: PLC0415 - the same

    if arguments.init is not None:
        return _init(output, arguments)
    if not arguments.paths:
        if output.shape == "text":
            output.note(arguments.usage().rstrip("\n"))
        raise Misuse("no_paths")
    missing = next((path for path in arguments.paths if not Path(path).exists()), None)
    if missing is not None:
        raise Misuse("file_missing", path=missing)
    coverage = Coverage() if arguments.coverage else None
    text, code = main_test(arguments.paths, output.lang, output.shape, coverage)
    output.line(text.rstrip("\n"))
    if coverage is not None and output.shape == "text":
        output.line("\n".join(covered_lines(output, coverage)))
    return int(code)


def _init(output: Output, arguments: argparse.Namespace) -> int:
    from custrules.cli import scenarios  # noqa: PLC0415 - only this verb needs it

    if arguments.paths or arguments.coverage:
        raise Misuse("init_alone")
    told = scenarios.begun(output, cr.load(arguments.init), arguments.init)
    output.json(told.to_data()) if output.shape == "json" else output.line("\n".join(told.lines))
    return FINE


def record(output: Output, arguments: argparse.Namespace) -> int:
    """One customer's history as a scenario file that passes as it is written."""
    from custrules.cli import scenarios  # noqa: PLC0415 - only this verb needs it

    program = cr.load(arguments.document)
    events = list(EventFile(arguments.events, program).of_customer(arguments.customer))
    if not events:
        raise Misuse("no_customer", customer=arguments.customer, path=arguments.events)
    told = scenarios.recorded(output, program, events, arguments)
    output.json(told.to_data()) if output.shape == "json" else output.line("\n".join(told.lines))
    return FINE


def demo(output: Output, arguments: argparse.Namespace) -> int:
    """The gift shop: figures, one history, and the folder with everything to try it again."""
    from custrules.demo import folder  # noqa: PLC0415 - only this verb needs it
    from custrules.demo.tour import tour  # noqa: PLC0415 - the same

    left = folder.leave(Path(arguments.dir), output.lang)
    found = tour(output)
    if output.shape == "json":
        output.json(found.to_data() | {"folder": arguments.dir, "written": left.written, "kept": left.kept})
    else:
        output.line("\n".join([*found.lines(output), *found.what_next(output, arguments.dir, left)]))
    return FINE


VERBS: dict[str, Callable[[Output, argparse.Namespace], int]] = {
    "demo": demo,
    "check": checks.check,
    "explain": explain,
    "replay": replays.replay,
    "compare": compare,
    "plan": planning.plan,
    "backtest": backtest,
    "statement": statements.statement,
    "test": test,
    "record": record,
    "schema": schemas.schema,
}


if __name__ == "__main__":
    sys.exit(main())
