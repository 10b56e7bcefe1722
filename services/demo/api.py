"""The gateway's public API as a person or system uses it: a token, a path, JSON both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

Send = Callable[[str, str, dict[str, str], bytes], tuple[int, bytes]]
"""(method, path, headers, body) → (status, body)."""


class Refused(Exception):
    """The API said no; `problem` is what it answered."""

    def __init__(self, request: str, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{request} was answered {status}: {problem.get('title') or problem}")
        self.status, self.problem = status, problem


class NoAnswer(Exception):
    """Nobody answers at this address."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody with a token, and how the suite is told to reach him or her."""

    token: str
    name: str
    email: str
    locale: str


class Api:
    """The suite through its front door. `people`: a log-in per role."""

    def __init__(self, send: Send, people: dict[str, LogIn]) -> None:
        self._send, self.people = send, people

    def get(self, role: str, path: str) -> dict[str, Any]:
        return self.ask(role, "GET", path)

    def post(self, role: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> dict[str, Any]:
        return self.ask(role, "POST", path, body or {}, key)

    def ask(
        self, role: str, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any]:
        """The JSON of the answer. key: Idempotency-Key. Raises Refused and NoAnswer."""
        headers = {"Authorization": f"Bearer {self.people[role].token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        status, raw = self._send(method, path, headers, orjson.dumps(body) if body is not None else b"")
        answer = orjson.loads(raw)
        if status >= 400:
            raise Refused(f"{method} {path} as {role}", status, answer)
        return answer


def over_http(url: str) -> Send:
    """Sends to a running gateway. Raises NoAnswer when there is none."""
    import urllib3

    pool = urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False)

    def send(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        try:
            answer = pool.request(method, url.rstrip("/") + path, headers=headers, body=body or None)
        except urllib3.exceptions.HTTPError as failed:
            raise NoAnswer(f"{url} does not answer ({type(failed).__name__})") from None
        return answer.status, answer.data

    return send
