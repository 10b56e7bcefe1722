"""Threads, what was said on them in public and in private, and who was let in.

A thread has three streams, each gap-free for those who may follow it: `thread` (opened, closed, reopened), `message`
(public) and `private_message`. What is said in private moves neither version nor sequence of the public side (I5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.messaging import policies
from services.messaging.refusals import (
    AlreadyClosed,
    AlreadySo,
    CancelPending,
    ConfirmPublic,
    LastAnswerMissing,
    ThreadClosed,
    ThreadFull,
    TooManyRevisions,
    UndoWindowOver,
)
from shared.contracts.messaging import AUTOMATIC
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotInThisState

PUBLIC, PRIVATE = "public", "private"
HELD, POSTED, WITHDRAWN, REDACTED = "held", "posted", "withdrawn", "redacted"
Who = tuple[str, str]  # type and id


@dataclass(kw_only=True)
class OrderParties(Aggregate):
    """Whose an order is and, where refunds are agreed to in messages, what it cost: a copy of what the order tells.

    total and gross of lines in minor units of the currency. lines: only where agreements are made; `unpaid` are those
    that were added and not paid for yet (ORD-13), which the total leaves out.
    """

    stream = "order_parties"

    customer_ref: str
    seller_id: str
    marketplace: str = ""
    profile: str = ""
    currency: str = ""
    total: int = 0
    placed_at: datetime | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)

    def add_line(self, line_id: str, gross: int, unpaid: bool) -> None:
        """Something more was bought; what is still due for it cannot be given back."""
        self.lines = [*self.lines, {"line_id": line_id, "gross": gross, "unpaid": unpaid}]
        self.total += 0 if unpaid else gross

    def drop_line(self, line_id: str) -> None:
        """What was added and never paid left again."""
        self.lines = [line for line in self.lines if line["line_id"] != line_id]

    def pay(self, captured: int) -> bool:
        """captured: of the whole order. What was added counts once all of it is paid; answers whether that is new."""
        due = sum(line["gross"] for line in self.lines if line.get("unpaid"))
        if not due or captured < self.total + due:
            return False
        self.total += due
        self.lines = [{**line, "unpaid": False} for line in self.lines]
        return True


@dataclass(kw_only=True)
class Inclusion(Aggregate):
    """A supplier or account observer who was let into a thread, or was once (T06). scope: `all` or `public` (A5)."""

    stream = "inclusion"

    thread_id: str
    kind: str
    ref: str
    scope: str = "all"
    active: bool = True


@dataclass(kw_only=True)
class Message(Aggregate):
    """One message or comment. What happens to it is announced on the side of the thread it belongs to.

    That there is a private comment is said here, under its own id and without its text: whose turn it is may change
    with it, and the thread's own public sequence must not (I5).

    writer: the person who wrote, for the author's party. number: its place among the public messages of the thread,
    none while it is private. origin: `post` when a person wrote it by itself, else the event that it came with.
    state: held (to be undone until release_at) → posted or withdrawn; posted → redacted.
    revisions: earlier texts that somebody received, oldest first. agreement: to a refund (S3-17).
    undelivered: mails with it that did not arrive (`ledger.failures`).
    """

    stream = "message"

    thread_id: str
    claim_id: str | None
    order_id: str | None
    customer_ref: str | None
    seller_id: str | None
    author_type: str
    author_id: str
    visibility: str
    via: str
    text: str
    origin: str
    posted_at: datetime
    asks: dict[str, str] | None = None
    number: int | None = None
    handled_at: datetime | None = None
    state: str = POSTED
    writer: str = ""
    release_at: datetime | None = None
    edited_at: datetime | None = None
    revisions: list[dict[str, Any]] = field(default_factory=list)
    attachment_ids: list[str] = field(default_factory=list)
    agreement: dict[str, Any] | None = None
    signature: str | None = None
    undelivered: list[dict[str, Any]] = field(default_factory=list)

    def hold(self, until: datetime) -> None:
        """MSG-01: for the writer alone, until then."""
        self.state, self.release_at = HELD, until

    def undo(self) -> None:
        """MSG-02: it never existed for others. Raises UndoWindowOver."""
        if self.state != HELD:
            raise UndoWindowOver()
        self.state, self.text, self.agreement, self.attachment_ids = WITHDRAWN, "", None, []

    def release(self, now: datetime) -> None:
        """The window is over: from here on it is like any other."""
        self.state, self.release_at, self.posted_at = POSTED, None, now

    def need_posted(self, action: str) -> None:
        """Raises NotInThisState."""
        if self.state != POSTED:
            raise NotInThisState(kind="message", state=self.state, action=action)

    def rewrite(self, text: str, at: str, now: datetime, replaced: bool) -> None:
        """MSG-05: the old text is gone, or kept beside the new one. `at` is `now` as it travels."""
        self.need_posted("be edited")
        if not replaced:
            if len(self.revisions) >= policies.MOST_REVISIONS:
                raise TooManyRevisions(most=policies.MOST_REVISIONS)
            self.revisions = [*self.revisions, {"text": self.text, "until": at}]
        self.text, self.edited_at = text, now

    def redact(self) -> None:
        """MSG-08: a tombstone stays."""
        self.need_posted("be redacted")
        self.state, self.text, self.revisions, self.signature, self.attachment_ids = REDACTED, "", [], None, []

    def announce_private(self, at: str) -> None:
        """That a private comment was posted and who is asked; its text travels on the private exchange only."""
        facts = self.posted(at)
        del facts["text"]
        self.record("message.posted", **facts)

    @property
    def author(self) -> Who:
        return self.author_type, self.author_id

    @property
    def speaks_for(self) -> str | None:
        """The side that this is the word of. What a machine wrote asks nothing and answers nobody (S3-21)."""
        return None if self.via == AUTOMATIC else policies.side_of(self.author_type)

    def about(self) -> dict[str, Any]:
        """What every event about this message says."""
        return {
            "thread_id": self.thread_id,
            "claim_id": self.claim_id,
            "order_id": self.order_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
            "message_id": self.id,
        }

    def posted(self, at: str) -> dict[str, Any]:
        """The payload of message.posted and private_message.posted; `at` is posted_at as it travels."""
        return self.about() | {
            "author": person(self.author),
            "visibility": self.visibility,
            "via": self.via,
            "text": self.text,
            "asks": self.asks,
            "origin": self.origin,
            "posted_at": at,
            "attachment_ids": self.attachment_ids,
            "has_refund_agreement": self.agreement is not None,
            "signature": self.signature if self.visibility == PUBLIC else None,
        }


@dataclass(kw_only=True)
class Thread(Aggregate):
    """A conversation about a claim, or about an order alone (S0-02). open ⇄ closed.

    merged_into: the thread on which it goes on, since its claim was merged (CLM-21).
    offer_id: what its claim asks about before anything is bought (S0-01).
    """

    stream = "thread"

    claim_id: str | None
    order_id: str | None
    customer_ref: str | None
    seller_id: str | None
    profile: str | None
    opened_at: datetime
    state: str = "open"
    cancel_pending: bool = False
    access_asked: bool = False
    merged_into: str | None = None
    offer_id: str | None = None

    def start(self, by: Who) -> None:
        self.record("thread.opened", **self._facts(by))

    def close(self, by: Who, talk: PublicTalk) -> None:
        """Close after the last answer (S0-22).

        Raises AlreadyClosed, CancelPending, LastAnswerMissing.
        """
        if self.state == "closed":
            raise AlreadyClosed(thread_id=self.id)
        if self.cancel_pending:
            raise CancelPending(thread_id=self.id)
        if policies.answer_required(self.profile) and talk.awaits_answer:
            raise LastAnswerMissing(thread_id=self.id)
        self.end(by)

    def end(self, by: Who) -> None:
        """Closed, whoever wrote last: by `close`, or by its claim, which has checked."""
        self.state, self.cancel_pending = "closed", False
        self.record("thread.closed", **self._facts(by))

    def reopen(self, by: Who) -> None:
        """Open again, because the customer wrote or the claim was reopened."""
        self.state = "open"
        self.record("thread.reopened", **self._facts(by))

    def message(self, id: str, author: Who, text: str, *, visibility: str, at: datetime, **more: Any) -> Message:
        """What somebody says here; it is not posted yet."""
        return Message(
            id=id,
            tenant=self.tenant,
            thread_id=self.id,
            claim_id=self.claim_id,
            order_id=self.order_id,
            customer_ref=self.customer_ref,
            seller_id=self.seller_id,
            author_type=author[0],
            author_id=author[1],
            visibility=visibility,
            text=text,
            posted_at=at,
            **more,
        )

    def admit(self, author_type: str) -> bool:
        """May somebody of this type write now? A customer's message reopens the thread; True when it has to.

        Raises ThreadClosed.
        """
        if self.state == "closed" and author_type != "customer":
            raise ThreadClosed(thread_id=self.id)
        return self.state == "closed"

    def _facts(self, by: Who) -> dict[str, Any]:
        subject = {"kind": "claim", "id": self.claim_id} if self.claim_id else {"kind": "order", "id": self.order_id}
        return {
            "thread_id": self.id,
            "subject": subject,
            "claim_id": self.claim_id,
            "order_id": self.order_id,
            "seller_id": self.seller_id,
            "customer_ref": self.customer_ref,
            "by": person(by),
        }


@dataclass(kw_only=True)
class PublicTalk(Aggregate):
    """The public side of a thread: who spoke last, and what is dealt with. Its id is the thread's.

    last: number and message id of each side's last public message. handled: up to which number each side's messages
    are handled; an answer handles all that came before it (MSG-07), whichever message it answers.
    """

    stream = "message"

    count: int = 0
    last: dict[str, list] = field(default_factory=dict)
    handled: dict[str, int] = field(default_factory=dict)

    @property
    def awaits_answer(self) -> bool:
        """Is the customer's last message later than the last public answer?"""
        return self._last("customer") > self._last("house")

    def post(self, message: Message, at: str) -> None:
        self._take(message)
        self.record("message.posted", **message.posted(at))
        if message.agreement is not None:
            facts = message.about() | message.agreement | {"by": person(message.author), "agreed_at": at}
            self.record("message.refund_agreed", **facts)
        self._answer(message)

    def room(self) -> None:
        """Raises ThreadFull."""
        if self.count >= policies.MOST_PER_SIDE:
            raise ThreadFull(most=policies.MOST_PER_SIDE)

    def edited(self, message: Message, by: Who, at: str, replaced: bool) -> None:
        self.record("message.edited", **edit_facts(message, by, at, replaced))

    def redacted(self, message: Message, by: Who, reason: str) -> None:
        self.record("message.redacted", **message.about(), by=person(by), reason=reason)

    def mark_handled(self, message: Message, by: Who, now: datetime) -> None:
        """MSG-06. Raises NotInThisState for a private comment or a message that is handled."""
        if message.visibility == PRIVATE or self.is_handled(message):
            state = "private" if message.visibility == PRIVATE else "handled"
            raise NotInThisState(kind="message", state=state, action="be marked handled")
        message.handled_at = now
        self.record("message.handled", **message.about(), by=person(by), and_earlier=False)

    def is_handled(self, message: Message) -> bool:
        side = policies.side_of(message.author_type) or ""
        return message.handled_at is not None or 0 < (message.number or 0) <= self.handled.get(side, 0)

    def hide(
        self,
        message: Message,
        private: PrivateTalk,
        by: Who,
        disclosed: list[dict[str, Any]],
        earlier: Message | None,
    ) -> None:
        """MSG-03: allowed also after it was mailed; the event says who knows the text anyway (S1-30, T03).

        earlier: the last other public message of the same side, which now is that side's last word.
        """
        if message.visibility == PRIVATE:
            raise AlreadySo(visibility=PRIVATE)
        side = message.speaks_for
        if side and message.number == self._last(side):
            self.last[side] = [earlier.number, earlier.id] if earlier else [0, ""]
        message.visibility, message.number = PRIVATE, None
        private.count += 1
        self._changed(message, PUBLIC, by, already_disclosed_to=disclosed)

    def reveal(self, message: Message, private: PrivateTalk, by: Who, confirm: bool, signature: str | None) -> None:
        """MSG-04: from here on it is a public message like one just posted. Raises AlreadySo, ConfirmPublic.

        signature: what stands below its mails, its author's as it is today.
        """
        if message.visibility == PUBLIC:
            raise AlreadySo(visibility=PUBLIC)
        if not confirm:
            raise ConfirmPublic()
        self.room()
        message.visibility, message.asks, message.signature = PUBLIC, None, signature
        private.count -= 1
        self._take(message)
        self._changed(message, PRIVATE, by, already_disclosed_to=[], text=message.text, signature=signature)
        self._answer(message)

    def _take(self, message: Message) -> None:
        self.count += 1
        message.number = self.count
        side = message.speaks_for
        if side:
            self.last[side] = [message.number, message.id]

    def _answer(self, message: Message) -> None:
        """MSG-07: a public answer handles what the other side wrote before."""
        side = message.speaks_for
        if side is None:
            return
        other = "customer" if side == "house" else "house"
        number, id = self.last.get(other, (0, ""))
        if number > self.handled.get(other, 0):
            self.handled[other] = number
            self.record(
                "message.handled", **message.about() | {"message_id": id}, by=person(message.author), and_earlier=True
            )

    def _changed(self, message: Message, before: str, by: Who, **more: Any) -> None:
        facts = message.about() | {"author": person(message.author), "by": person(by)}
        self.record("message.visibility_changed", **facts, **{"from": before, "to": message.visibility}, **more)

    def _last(self, side: str) -> int:
        return self.last.get(side, (0, ""))[0]


@dataclass(kw_only=True)
class PrivateTalk(Aggregate):
    """The private side of a thread, which has its own sequence so that the public one cannot betray it (I5)."""

    stream = "private_message"

    count: int = 0

    def post(self, message: Message, at: str) -> None:
        if self.count >= policies.MOST_PER_SIDE:
            raise ThreadFull(most=policies.MOST_PER_SIDE)
        self.count += 1
        self.record("private_message.posted", **message.posted(at))

    def edited(self, message: Message, by: Who, at: str, replaced: bool) -> None:
        self.record("private_message.edited", **edit_facts(message, by, at, replaced))

    def redacted(self, message: Message, by: Who, reason: str) -> None:
        self.count -= 1
        self.record("private_message.redacted", **message.about(), by=person(by), reason=reason)


def edit_facts(message: Message, by: Who, at: str, replaced: bool) -> dict[str, Any]:
    changed = {"by": person(by), "text": message.text, "replaced": replaced, "edited_at": at}
    return message.about() | changed


def person(who: Who) -> dict[str, str]:
    """An author or actor as events carry them."""
    return {"type": who[0], "id": who[1]}
