"""Calls between gateway and service: one HTTP request carries what arrived while the last one was in flight."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import orjson
import urllib3

from shared.contracts.registry import OPERATIONS
from shared.edge.tokens import Signer
from shared.kernel.calls import Answer, Call

log = logging.getLogger(__name__)
PATH = "/internal/calls"
MOST = 100  # calls per request: a batch of 100 commands commits in about 40 ms, well inside every deadline


class CallFailed(Exception):
    """The service did not answer in time. A command may have been done: repeat it with the same Idempotency-Key."""


class _Pending:
    __slots__ = ("answer", "call", "done", "until")

    def __init__(self, call: Call, until: float) -> None:
        self.call, self.until = call, until
        self.done = threading.Event()
        self.answer: Answer | None = None


class _Lane:
    """A queue of calls with a few requests in flight. Commands and queries have one each, so neither waits."""

    def __init__(self, client: CallClient, name: str, in_flight: int) -> None:
        self._client, self._name, self._in_flight = client, name, in_flight
        self._queue: deque[_Pending] = deque()
        self._ready = threading.Condition()
        self._threads: list[threading.Thread] = []

    def put(self, pending: Sequence[_Pending]) -> None:
        with self._ready:
            if len(self._threads) < self._in_flight:
                thread = threading.Thread(target=self._run, name=f"calls-{self._name}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._queue.extend(pending)
            self._ready.notify()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._queue:
                    self._ready.wait()
            if self._client.patience:
                time.sleep(self._client.patience)
            with self._ready:
                batch = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
            self._send([pending for pending in batch if pending.until > time.monotonic()])

    def _send(self, batch: list[_Pending]) -> None:
        if not batch:
            return
        answers: Sequence[Answer | None]
        try:
            answers = self._client.post([pending.call for pending in batch], batch[-1].until - time.monotonic())
        except Exception as failed:
            log.warning("%s did not answer %d calls: %s", self._client.service, len(batch), type(failed).__name__)
            answers = [None] * len(batch)
        for pending, answer in zip(batch, answers, strict=True):
            pending.answer = answer
            pending.done.set()


class CallClient:
    """A line to one service. queries: requests with queries that may be under way at the same time. patience: seconds
    that a call waits for others to travel with, where many come and none is in a hurry."""

    def __init__(
        self, service: str, url: str, secret: str, is_query: Any = None, queries: int = 4, patience: float = 0.0
    ) -> None:
        self.service, self.url, self.patience = service, url.rstrip("/") + PATH, patience
        self._signer = Signer(service, secret)
        self._pool = urllib3.PoolManager(maxsize=16, retries=False)
        # one batch at a time: what arrives meanwhile commits together with the next
        self._commands = _Lane(self, f"{service}-commands", in_flight=1)
        self._queries = _Lane(self, f"{service}-queries", in_flight=queries)
        self._is_query = is_query or reads

    def call(self, call: Call, timeout: float) -> Answer:
        """The service's answer; CallFailed when there is none within `timeout` seconds."""
        [answer] = self.call_all([call], timeout)
        if answer is None:
            raise CallFailed(f"{self.service} did not answer {call.name}")
        return answer

    def call_all(self, calls: Sequence[Call], timeout: float) -> list[Answer | None]:
        """The answers to calls of one kind that travel together; None where there was none within `timeout` seconds."""
        until = time.monotonic() + timeout
        pending = [_Pending(call, until) for call in calls]
        (self._queries if self._is_query(calls[0].name) else self._commands).put(pending)
        return [each.answer if each.done.wait(until - time.monotonic()) else None for each in pending]

    def post(self, calls: list[Call], timeout: float) -> list[Answer]:
        tokens: dict[str, int] = {}
        body = {
            "calls": [self._wire(call, tokens, timeout) for call in calls],
            "tokens": list(tokens),
        }
        response = self._pool.request(
            "POST",
            self.url,
            body=orjson.dumps(body),
            headers={"content-type": "application/json"},
            timeout=urllib3.Timeout(connect=min(1.0, timeout), read=timeout),
        )
        if response.status != 200:
            raise CallFailed(f"{self.service} answered {response.status}")
        return [
            Answer(a["status"], a["body"], a.get("replayed", False)) for a in orjson.loads(response.data)["answers"]
        ]

    def _wire(self, call: Call, tokens: dict[str, int], timeout: float) -> dict[str, Any]:
        token = self._signer.token(call.principal)
        return {
            "name": call.name,
            "args": call.args,
            "token": tokens.setdefault(token, len(tokens)),
            "key": call.idempotency_key,
            "version": call.expected_version,
            "correlation": call.correlation,
            "budget": timeout,
        }


def reads(operation: str) -> bool:
    """Is this a query? What no contract names changes something: it waits its turn and is refused where it arrives."""
    known = OPERATIONS.get(operation)
    return known is not None and known.reads
