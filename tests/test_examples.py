"""The hosts in docs/examples do what hosts have to: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastapi_app
import pytest
from fastapi import FastAPI
from host import Host

import custrules as cr

SHOP = cr.Program(
    id="shop",
    zone="Europe/London",
    currency="GBP",
    policies=[
        {"id": "points", "kind": "points.account", "expiry": "6 months"},
        {"id": "earn", "kind": "points.accrual", "points_per_unit": 1},
        {"id": "spend", "kind": "points.redemption", "value": {"points": 100, "money": "1.00"}},
    ],
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(str(tmp_path / "shop.db"), SHOP)


def purchase(number: int, customer: str = "ann") -> bytes:
    fields = {"type": "purchase", "id": f"o-{number}", "customer_id": customer, "amount": "10.00"}
    return json.dumps({**fields, "occurred_at": f"2026-03-05T10:{number:02}:00Z"}).encode()


def test_the_same_event_gets_the_same_answer_and_is_booked_once(host: Host) -> None:
    first, again = host.accept(purchase(1)), host.accept(purchase(1))
    assert first == again
    assert first[0] == 200
    assert host.balance("ann", datetime(2026, 3, 6, tzinfo=UTC))["points"] == "10"


def test_a_refused_event_is_not_kept_and_may_come_again(host: Host) -> None:
    spend = b'{"type": "redemption", "id": "r-1", "customer_id": "ann", "occurred_at": "2026-03-05T11:00:00Z", "points": 10}'
    status, answer = host.accept(spend)
    assert (status, answer["refusal"]) == (409, "points.redemption.insufficient")
    assert host.history("ann") == []
    host.accept(purchase(1))
    assert host.accept(spend)[0] == 200


def test_an_unreadable_event_is_told_with_its_places(host: Host) -> None:
    status, answer = host.accept(b'{"type": "purchase", "id": "o-1"}')
    assert status == 422
    assert {fault["path"] for fault in answer["faults"]} >= {"customer_id", "occurred_at"}


def test_events_that_arrive_at_once_are_each_booked_once(host: Host) -> None:
    bodies = [purchase(number, customer) for number in range(12) for customer in ("ann", "bob")] * 2
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(host.accept, bodies))
    assert {status for status, _ in answers} == {200}
    for customer in ("ann", "bob"):
        assert host.balance(customer, datetime(2026, 3, 6, tzinfo=UTC))["points"] == "120"
        assert len(host.history(customer)) == 12


def test_the_nightly_job_touches_only_whom_time_changes(host: Host) -> None:
    host.accept(purchase(1))
    assert host.nightly(datetime(2026, 9, 5, tzinfo=UTC)) == 0
    assert host.nightly(datetime(2026, 9, 6, tzinfo=UTC)) == 1
    assert host.nightly(datetime(2026, 9, 7, tzinfo=UTC)) == 0
    assert host.balance("ann", datetime(2026, 9, 7, tzinfo=UTC))["points"] == "0"


def test_the_stored_history_replays_to_the_stored_balance(host: Host) -> None:
    for number in range(3):
        host.accept(purchase(number))
    states = cr.replay(SHOP, host.history("ann")).collect().states
    assert states["ann"].points().available == 30


def asked(app: FastAPI, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """One request to an ASGI application: its status, and what it answers."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    head = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode()}
    scope = {**head, "query_string": b"", "root_path": "", "scheme": "http", "headers": [(b"content-type", b"application/json")]}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


def test_fastapi_hands_the_body_over_and_the_answer_back(host: Host) -> None:
    app = fastapi_app.build(host)
    status, answer = asked(app, "POST", "/events", purchase(1))
    assert (status, answer["verdict"]) == (200, "accepted")
    assert asked(app, "POST", "/events", b"{}")[0] == 422
    assert asked(app, "GET", "/customers/ann")[0] == 200
