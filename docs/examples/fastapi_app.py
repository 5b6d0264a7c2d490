"""The host behind FastAPI: run with ``uvicorn --factory fastapi_app:app`` beside ``host.py`` and ``shop.yaml``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from host import Host

import custrules as cr


def build(host: Host) -> FastAPI:
    """The body goes to the host as it came: custrules reads it, and numbers stay exact."""
    app = FastAPI(title=host.program.id)

    @app.post("/events")
    async def accept(request: Request, response: Response) -> dict[str, Any]:
        response.status_code, answer = await run_in_threadpool(host.accept, await request.body())
        return answer

    @app.get("/customers/{customer_id}")
    def customer(customer_id: str) -> dict[str, Any]:
        return host.balance(customer_id, datetime.now(UTC))

    return app


def app() -> FastAPI:
    """For ``uvicorn --factory fastapi_app:app``."""
    return build(Host("shop.db", cr.load("shop.yaml")))
