"""Other rule engines, where they are installed: each as a function of one row, or None."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.timing import Contender

Run = Callable[[Any], Any]
ENGINES = {"zen": "zen-engine", "datalogic_py": "datalogic-py", "rule_engine": "rule-engine", "business_rules": "business-rules"}


def absent() -> list[str]:
    """The packages that are not installed here."""
    return [package for module, package in ENGINES.items() if find_spec(module) is None]


def zen(expression: str) -> Run | None:
    """A compiled ZEN expression over a dict."""
    if find_spec("zen") is None:
        return None
    run: Run = import_module("zen").compile_expression(expression).evaluate
    return run


def datalogic(rule: Any) -> tuple[Run, Run, Run] | None:
    """A compiled JsonLogic rule in a session: over a dict; what makes a pre-parsed handle of a dict; a whole number over a handle."""
    if find_spec("datalogic_py") is None:
        return None
    module = import_module("datalogic_py")
    engine = module.Engine()
    compiled, session = engine.compile(rule), engine.session()
    return partial(session.evaluate, compiled), module.DataHandle, partial(session.evaluate_int, compiled)


def rule_engine(expression: str) -> Run | None:
    """A rule-engine expression over a dict."""
    if find_spec("rule_engine") is None:
        return None
    run: Run = import_module("rule_engine").Rule(expression).evaluate
    return run


def business_rules(rules: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> Run | None:
    """The codes that the actions of all rules that hold ``note``, in their order. ``facts`` maps names to number, text or flag."""
    if find_spec("business_rules") is None:
        return None
    run_all = import_module("business_rules").run_all
    variables = _variables(facts)
    actions = _actions()

    def run(row: Mapping[str, Any]) -> tuple[str, ...]:
        noted: list[str] = []
        run_all(rule_list=rules, defined_variables=variables(row), defined_actions=actions(noted))
        return tuple(noted)

    return run


def _variables(facts: Mapping[str, str]) -> Any:
    module = import_module("business_rules.variables")
    decorators = {"number": module.numeric_rule_variable, "text": module.string_rule_variable, "flag": module.boolean_rule_variable}

    def reader(name: str, kind: str) -> Any:
        def read(self: Any) -> Any:
            return self.row[name]

        read.__name__ = name
        return decorators[kind](read)

    def keep(self: Any, row: Mapping[str, Any]) -> None:
        self.row = row

    return type("Variables", (module.BaseVariables,), {"__init__": keep, **{name: reader(name, kind) for name, kind in facts.items()}})


def _actions() -> Any:
    module = import_module("business_rules.actions")
    fields = import_module("business_rules.fields")

    def keep(self: Any, noted: list[str]) -> None:
        self.noted = noted

    def note(self: Any, code: str) -> None:
        self.noted.append(code)

    noting = module.rule_action(params={"code": fields.FIELD_TEXT})(note)
    return type("Actions", (module.BaseActions,), {"__init__": keep, "note": noting})


def contenders(dicts: Sequence[Mapping[str, Any]], expression: str, logic: Any, told: Callable[[Any], Any]) -> dict[str, Contender]:
    """Every installed engine that computes one value of a dict. ``expression`` is read by two, but for floor(a / b), which one writes a // b."""
    found: dict[str, Contender] = {}
    if (run := zen(expression)) is not None:
        found["zen-engine, compiled expression"] = Contender(run, dicts, told)
    if (logics := datalogic(logic)) is not None:
        over_dict, handle, over_handle = logics
        found["datalogic-py, session"] = Contender(over_dict, dicts, told)
        found["datalogic-py, pre-parsed data"] = Contender(over_handle, [handle(dict(row)) for row in dicts], told)
    if (run := rule_engine(expression.replace("floor(", "(").replace(" / ", " // "))) is not None:
        found["rule-engine"] = Contender(run, dicts, told)
    return found


def noting(dicts: Sequence[Mapping[str, Any]], rules: Any, facts: Mapping[str, str], told: Callable[[Any], Any]) -> dict[str, Contender]:
    run = business_rules(rules, facts)
    return {"business-rules": Contender(run, dicts, told)} if run is not None else {}
