"""What another process answers: steps of given cases, as one hash; a process of its own, for other seeds, zones and locales."""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from typing import Any

import custrules as cr
from properties import mutants
from properties.histories import CUSTOMER, Case
from properties.programs import made


def packed(cases: list[Case]) -> str:
    """Cases as text for another process."""
    return json.dumps([[case.document, [event.to_json().decode() for event in case.events]] for case in cases], ensure_ascii=True)


def answered(cases: list[list[Any]]) -> str:
    """A hash of every step's bytes, of what time decides afterwards, and of when it next has something to ask."""
    seen = sha256()
    for document, events in cases:
        program, state = made(document), cr.State.new(CUSTOMER)
        for text in events:
            step = program.step(state, cr.Event.from_json(text))
            state = step.state
            seen.update(step.to_json() + str(program.next_due(state)).encode())
        seen.update(program.digest.encode())
    return seen.hexdigest()


if __name__ == "__main__":
    if "--unsorted" in sys.argv:
        mutants.unsorted_tallies()
    sys.stdout.write(answered(json.loads(sys.stdin.read())))
