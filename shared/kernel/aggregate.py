"""What every aggregate has: an identity, a version, and the facts that happened to it since it was loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact an aggregate recorded: the event's type, its payload, and who may ever see it."""

    type: str
    data: dict[str, Any]


@dataclass(kw_only=True)
class Aggregate:
    """Base of the aggregates. `stream` is the first segment of every event type it records.

    version: 0 before the first save, +1 per saved change (the ETag). seq: events recorded so far, gap-free per stream.
    told: of each type recorded so far, the seq of the last one, so that whoever hears only some types misses none.
    """

    stream: ClassVar[str]

    id: str
    tenant: str
    version: int = 0
    seq: int = 0
    told: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    events: list[Recorded] = field(default_factory=list, repr=False, compare=False)

    def record(self, type: str, **data: Any) -> None:
        """Remember that this happened; it leaves through the outbox when the aggregate is saved."""
        if not type.startswith(self.stream + "."):
            raise ValueError(f"{type} is not of the stream {self.stream}: subscribers could not follow it in order")
        self.events.append(Recorded(type, data))
