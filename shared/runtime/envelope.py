"""An event as it travels: CloudEvents 1.0, binary mode: attributes and extensions in headers, data in the body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from shared.contracts.registry import EVENTS, narrow_of, narrowest_key, stream_of
from shared.kernel.clock import moment, stamp

SPEC_VERSION = "1.0"


class MalformedEvent(ValueError):
    """The message is not an event of ours: a header is missing or not what it should be."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event. `seq` counts the events of (stream, aggregate_id) without gaps; `actor` is `type/id/via`.

    prior: the last event of each key before this one on its stream, as `opened:1,assigned:4`. Who hears some of them
    only finds there which he must have had. None: the one before, whatever its type.
    """

    id: str
    type: str
    aggregate_id: str
    seq: int
    tenant: str
    time: datetime
    actor: str
    correlation: str
    causation: str | None
    body: bytes  # the payload as JSON
    prior: str | None = None

    @property
    def data(self) -> dict[str, Any]:
        return orjson.loads(self.body)

    @property
    def stream(self) -> str:
        return stream_of(self.type)

    @property
    def exchange(self) -> str:
        return EVENTS[self.type].exchange

    @property
    def key(self) -> str:
        """Its type, or the narrow routing key by which it travels as well."""
        return narrowest_key(self.type, self.data) if narrow_of(self.type) else self.type

    def follows(self, keys: frozenset[str]) -> int:
        """The seq of the last event before this one that a subscriber to these (`claim.opened`) has heard."""
        if self.prior is None:
            return self.seq - 1
        pairs = (pair.split(":") for pair in self.prior.split(","))
        return max((int(seq) for verb, seq in pairs if f"{self.stream}.{verb}" in keys), default=0)

    def headers(self) -> dict[str, str]:
        """The `ce-*` headers, as the CloudEvents RabbitMQ binding names them: all strings."""
        producer = self.exchange.split(".", 1)[0]
        found = {
            "ce-specversion": SPEC_VERSION,
            "ce-id": self.id,
            "ce-source": f"/aftersale/{producer}",
            "ce-type": self.type,
            "ce-subject": self.aggregate_id,
            "ce-time": stamp(self.time),
            "ce-dataschema": f"urn:aftersale:event:{self.type}:v1",
            "ce-tenant": self.tenant,
            "ce-sequence": str(self.seq),
            "ce-correlationid": self.correlation,
            "ce-actor": self.actor,
            "ce-audience": EVENTS[self.type].audience,
        }
        if self.causation:
            found["ce-causationid"] = self.causation
        if self.prior:
            found["ce-prior"] = self.prior
        return found

    @classmethod
    def from_headers(cls, headers: dict[str, Any], body: bytes) -> Envelope:
        """The event in a message. MalformedEvent when it is not one; the caller sends that to the dead letters."""
        try:
            causation = headers.get("ce-causationid")
            envelope = cls(
                id=_text(headers["ce-id"]),
                type=_text(headers["ce-type"]),
                aggregate_id=_text(headers["ce-subject"]),
                seq=int(_text(headers["ce-sequence"], most=18)),  # 64 bits on the way to the database
                tenant=_text(headers["ce-tenant"]),
                time=moment(_text(headers["ce-time"])),
                actor=_text(headers.get("ce-actor", "system/system/import"), most=160),
                correlation=_text(headers.get("ce-correlationid", headers["ce-id"])),
                causation=causation and _text(causation),
                body=body,
                prior=_prior(headers.get("ce-prior")),
            )
        except (KeyError, ValueError, TypeError) as wrong:
            raise MalformedEvent(f"{type(wrong).__name__}: {wrong}") from None
        if envelope.seq < 1 or envelope.time.tzinfo is None or not 0 < len(envelope.stream) <= 40:
            raise MalformedEvent("the sequence starts at 1, the time has an offset, the type a stream of 1 to 40")
        return envelope

    def stored(self) -> dict[str, Any]:
        """As kept while it waits in the inbox."""
        return {"headers": self.headers() if self.type in EVENTS else self._foreign(), "body": self.body.decode()}

    def _foreign(self) -> dict[str, str]:
        found = {
            "ce-id": self.id,
            "ce-type": self.type,
            "ce-subject": self.aggregate_id,
            "ce-sequence": str(self.seq),
            "ce-tenant": self.tenant,
            "ce-time": stamp(self.time),
        }
        return found | {"ce-prior": self.prior} if self.prior else found

    @classmethod
    def from_stored(cls, stored: dict[str, Any]) -> Envelope:
        return cls.from_headers(stored["headers"], stored["body"].encode())


_PRIOR = re.compile(r"[a-z_0-9]+:[0-9]{1,18}(,[a-z_0-9]+:[0-9]{1,18})*")


def _prior(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 4000 or not _PRIOR.fullmatch(value):
        raise ValueError("ce-prior is not a list of verb:sequence")
    return value


def told_before(told: dict[str, int]) -> str | None:
    """`prior` of the next event of an aggregate that has told these."""
    return ",".join([f"{verb}:{seq}" for verb, seq in told.items()]) or None


def _text(value: Any, most: int = 64) -> str:
    """As the columns take it: nothing longer, no control character, no half of a character."""
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        raise ValueError("not a short string")
    return value
