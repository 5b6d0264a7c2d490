"""A host in one file: events in, answers out, over SQLite. Free of any web framework: a route calls ``Host.accept``.

One transaction per event holds the state's row, the stamped event with its answer, and the effects to be carried out. Another
database differs in the lock (``SELECT ... FOR UPDATE``) and in nothing else.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import custrules as cr

TABLES = """
create table if not exists states (customer_id text primary key, state blob not null, next_due integer);
create table if not exists events (
  number integer primary key, customer_id text not null, event_id text not null, event blob, answer text not null, unique (customer_id, event_id)
);
create table if not exists outbox (effect_id text primary key, effect text not null, done integer not null default 0);
"""
Answer = dict[str, Any]


class Host:
    """Keeps the customers of one program in an SQLite file."""

    def __init__(self, path: str, program: cr.Program) -> None:
        self.path, self.program = path, program
        with self._transaction() as db:
            for statement in TABLES.split(";"):
                db.execute(statement)

    def accept(self, body: bytes) -> tuple[int, Answer]:
        """Decide one event: an HTTP status, and what to answer. The same event again gets the same answer."""
        try:
            event = self.program.event(body)
        except cr.EventError as error:
            return 422, {"faults": [{"path": fault.path, "code": fault.code, "text": cr.render(fault)} for fault in error.diagnostics]}
        with self._transaction() as db:
            known = db.execute("select answer from events where customer_id = ? and event_id = ?", (event.customer_id, event.id)).fetchone()
            if known is not None:
                return 200, json.loads(known[0])
            step = self.program.step(self._state(db, event.customer_id), event)
            answer = told(step)
            if not step.accepted:
                return 409, answer
            self._keep(db, step)
            row = (event.customer_id, event.id, step.event.to_json() if step.event else None, json.dumps(answer))
            db.execute("insert into events (customer_id, event_id, event, answer) values (?, ?, ?, ?)", row)
            return 200, answer

    def balance(self, customer_id: str, now: datetime) -> Answer:
        """What a person is shown: read from a state advanced to now, which is not stored."""
        with self._transaction() as db:
            state = self.program.advance(self._state(db, customer_id), to=now).state
        points, tier = state.points(), state.tier()
        return {"points": str(points.available), "pending": str(points.pending), "level": tier.name if tier else None}

    def nightly(self, now: datetime) -> int:
        """Let time pass for whom it changes something; how many customers that were. Each in a transaction of its own."""
        with self._transaction() as db:
            due = db.execute("select customer_id from states where next_due <= ?", (int(now.timestamp()),)).fetchall()
        for (customer_id,) in due:
            with self._transaction() as db:
                self._keep(db, self.program.advance(self._state(db, customer_id), to=now))
        return len(due)

    def history(self, customer_id: str) -> list[bytes]:
        """The accepted events, in the order of acceptance: what ``cr.replay`` takes."""
        with self._transaction() as db:
            rows = db.execute("select event from events where customer_id = ? order by number", (customer_id,))
            return [row[0] for row in rows]

    def _state(self, db: sqlite3.Connection, customer_id: str) -> cr.State:
        row = db.execute("select state from states where customer_id = ?", (customer_id,)).fetchone()
        return cr.State.from_json(row[0]) if row is not None else cr.State.new(customer_id)

    def _keep(self, db: sqlite3.Connection, step: cr.Step) -> None:
        """The new state, when it next has to be looked at, and what is to be done."""
        due = self.program.next_due(step.state)
        row = (step.state.customer_id, step.state.to_json(), int(due.timestamp()) if due else None)
        db.execute("insert or replace into states values (?, ?, ?)", row)
        for effect in step.effects:
            db.execute("insert or ignore into outbox (effect_id, effect) values (?, ?)", (effect.id, json.dumps(effect.to_data())))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; ``begin immediate`` lets one writer in at a time, so that no two steps start from the same state."""
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=30)) as db:
            db.execute("begin immediate")
            try:
                yield db
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")


def told(step: cr.Step) -> Answer:
    """A step as a client reads it: the verdict, and every reason by code and in words."""
    reasons = [why for decision in step.decisions for why in decision.reasons]
    refusal = step.refusal.code if step.refusal else None
    return {"verdict": step.verdict, "refusal": refusal, "reasons": [{"code": why.code, "text": cr.render(why)} for why in reasons]}
