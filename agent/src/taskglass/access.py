"""The token that servers beyond loopback ask for: made by the scheduler, asked of it by workers over Dask's comms."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

#: The operation of the scheduler that says the token: whoever speaks Dask's protocol with it is trusted anyway.
TOKEN_OP = "taskglass_token"
_ANSWER_SECONDS = 10.0


def make_token() -> str:
    return secrets.token_urlsafe(24)


def offer_token(scheduler: Any, token: str | None) -> None:
    """Makes the scheduler answer TOKEN_OP."""

    async def taskglass_token() -> str | None:
        return token

    scheduler.handlers[TOKEN_OP] = taskglass_token


async def ask_token(worker: Any) -> str | None:
    """The scheduler's token. None: it has none, or no Taskglass. Waits for the scheduler as the worker itself does."""
    while True:
        try:
            answer = await asyncio.wait_for(getattr(worker.scheduler, TOKEN_OP)(), _ANSWER_SECONDS)
        except (OSError, asyncio.TimeoutError):
            # Not there yet; the worker could not register either.
            await asyncio.sleep(0.5)
            continue
        return answer if isinstance(answer, str) and answer else None
