"""The service's side of `calls.py`: a batch of calls in, their answers out."""

from __future__ import annotations

import time
from typing import Any

import orjson

from shared.edge.tokens import Verifier
from shared.kernel.calls import Answer, Call, refused
from shared.kernel.errors import Refusal
from shared.runtime.app import App


class CallEndpoint:
    """Verifies every principal, executes the batch, answers in order."""

    def __init__(self, app: App, secret: str, execute: Any = None) -> None:
        self.app = app
        self._verifier = Verifier(app.name, secret)
        self._execute = execute or app.execute

    def answer(self, body: bytes) -> bytes:
        """The JSON answer to a JSON batch; ValueError when the body is not one."""
        try:
            request = orjson.loads(body)
            wire, tokens = request["calls"], request["tokens"]
            answers: dict[int, Answer] = {}
            calls, indexes = [], []
            for index, each in enumerate(wire):
                try:
                    calls.append(self._read(each, tokens))
                    indexes.append(index)
                except Refusal as refusal:
                    answers[index] = refused(refusal)
        except (KeyError, TypeError, IndexError) as wrong:
            raise ValueError(f"not a batch of calls: {type(wrong).__name__}") from None
        answers |= dict(zip(indexes, self._execute(calls) if calls else [], strict=True))
        return orjson.dumps({"answers": [_dump(answers[index]) for index in range(len(wire))]})

    def _read(self, each: dict[str, Any], tokens: list[str]) -> Call:
        principal = self._verifier.principal(tokens[each["token"]])
        if not isinstance(each["args"], dict) or not isinstance(each["name"], str):
            raise TypeError("args")
        return Call(
            name=each["name"],
            args=each["args"],
            principal=principal,
            idempotency_key=each.get("key"),
            expected_version=each.get("version"),
            correlation=each["correlation"],
            deadline=time.time() + float(each.get("budget", 5)),
        )


def _dump(answer: Answer) -> dict[str, Any]:
    body = {"status": answer.status, "body": answer.body}
    if answer.replayed:
        body["replayed"] = True
    return body
