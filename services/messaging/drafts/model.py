"""A draft: what one person is writing in one conversation, and up to where he had read it; and that he has it open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import Refusal
from shared.kernel.principal import Principal

PRESENT = timedelta(minutes=2)  # whoever has not stirred for longer is no longer there


class AnsweredMeanwhile(Refusal):
    """Others wrote here since you last read: read details.messages, then send again with `seen` set to the newest."""

    code = "ANSWERED_MEANWHILE"
    status = 409
    rule = "B15"


class NothingToSend(Refusal):
    """There is nothing written here: save a draft with a text first."""

    code = "NOTHING_TO_SEND"
    status = 409
    rule = "B15"


@dataclass(kw_only=True)
class Draft(Aggregate):
    """Announces nothing: nobody but its author reads it. Without a text its author only reads along.

    seen: the newest message that the author had read when he began.
    """

    stream = "draft"

    thread_id: str
    author_type: str
    author_id: str
    text: str
    visibility: str | None
    seen: str
    updated_at: datetime

    def write(self, text: str, visibility: str | None, seen: str | None, now: datetime) -> None:
        self.text, self.visibility, self.updated_at = text, visibility, now
        self.seen = seen or self.seen

    def empty(self, now: datetime) -> None:
        self.write("", None, None, now)


@dataclass(kw_only=True)
class Visit(Aggregate):
    """Somebody has the conversation, or its claim, open before him; gone when he has left. Apart from his draft, whose
    version stays."""

    stream = "visit"

    thread_id: str
    author_type: str
    author_id: str
    updated_at: datetime


def visit_of(thread_id: str, who: Principal, now: datetime) -> Visit:
    id = "vis_" + draft_id(thread_id, who).removeprefix("dft_")
    return Visit(
        id=id, tenant=who.tenant, thread_id=thread_id, author_type=who.role, author_id=who.id, updated_at=now
    )


def draft_id(thread_id: str, who: Principal) -> str:
    return "dft_" + hashlib.sha256(f"{thread_id}\n{who.role}\n{who.id}".encode()).hexdigest()[:32]


def begun(thread_id: str, who: Principal, seen: str, now: datetime) -> Draft:
    """An empty draft that nobody has saved yet."""
    return Draft(
        id=draft_id(thread_id, who),
        tenant=who.tenant,
        thread_id=thread_id,
        author_type=who.role,
        author_id=who.id,
        text="",
        visibility=None,
        seen=seen,
        updated_at=now,
    )


def draft_view(draft: Draft) -> dict[str, Any]:
    return {
        "id": draft.id,
        "thread_id": draft.thread_id,
        "text": draft.text,
        "visibility": draft.visibility,
        "seen": draft.seen,
        "version": draft.version,
        "allowed_actions": ["discard", "save", *(["send"] if draft.text else [])],
    }
