"""What `make bench` compares with: a claim, its refund and its notification as nameko's examples write services.

A session per request, an entrypoint per event, an outbox that a timer polls, an inbox that knows which events were
there. None of our rules: no reasons, no ledger, no provider, no rights, no audit trail, one row each.

`python -m bench.nameko_slice claims|refunds|notifications PORT`, with DATABASE_URL and AMQP_URI.
"""
# ruff: noqa: E402

import eventlet

eventlet.monkey_patch()

import json
import os
import sys
import uuid
from typing import Any

import sqlalchemy as sa
from marshmallow import Schema, ValidationError, fields, validate
from nameko.containers import ServiceContainer
from nameko.events import EventDispatcher, event_handler
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from nameko.web.handlers import http
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

POLL, BATCH = 0.05, 100


class Base(DeclarativeBase):
    pass


class Claim(Base):
    __tablename__ = "claims"
    id: Mapped[str] = mapped_column(primary_key=True)
    order_ref: Mapped[str]
    line_no: Mapped[int]
    reason: Mapped[str]
    status: Mapped[str]
    amount_cents: Mapped[int]
    currency: Mapped[str]
    body: Mapped[str]


class Refund(Base):
    __tablename__ = "refunds"
    id: Mapped[str] = mapped_column(primary_key=True)
    claim_id: Mapped[str]
    amount_cents: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]


class Notification(Base):
    __tablename__ = "notifications"
    id: Mapped[str] = mapped_column(primary_key=True)
    claim_id: Mapped[str]
    text: Mapped[str]


class Inbox(Base):
    __tablename__ = "inbox"
    event_id: Mapped[str] = mapped_column(primary_key=True)


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    topic: Mapped[str]
    payload: Mapped[str]


class NewClaim(Schema):
    order_ref = fields.Str(required=True, validate=validate.Length(1, 64))
    line_no = fields.Int(required=True)
    reason = fields.Str(required=True, validate=validate.OneOf(["damaged", "defective", "missing", "wrong"]))
    amount_cents = fields.Int(required=True, validate=validate.Range(min=0))
    currency = fields.Str(required=True, validate=validate.Length(equal=3))
    body = fields.Str(required=True, validate=validate.Length(max=5000))


class Database(DependencyProvider):
    def setup(self) -> None:
        url = sa.make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
        engine = sa.create_engine(url, pool_size=20)
        Base.metadata.create_all(engine)
        self.maker = sessionmaker(engine)

    def get_dependency(self, worker_ctx: Any) -> sessionmaker[Session]:
        return self.maker


class Claims:
    name = "claims"
    db = Database()
    dispatch = EventDispatcher()

    @http("POST", "/claims")
    def open(self, request: Any) -> tuple[int, str]:
        try:
            data = NewClaim().load(json.loads(request.get_data(as_text=True)))
        except (ValidationError, ValueError) as wrong:
            return 422, json.dumps({"error": str(wrong)})
        with self.db() as session, session.begin():
            id = str(uuid.uuid4())
            session.add(Claim(id=id, status="sent", **data))
            announce(session, "claim.opened", claim_id=id, amount_cents=data["amount_cents"], currency=data["currency"])
        return 201, json.dumps({"id": id, "status": "sent"})

    @timer(interval=POLL)
    def relay(self) -> None:
        send(self)


class Refunds:
    name = "refunds"
    db = Database()
    dispatch = EventDispatcher()

    @event_handler("claims", "claim.opened")
    def pay(self, event: dict[str, Any]) -> None:
        with self.db() as session, session.begin():
            if first_time(session, event):
                about = {name: event[name] for name in ("claim_id", "amount_cents", "currency")}
                session.add(Refund(id=str(uuid.uuid4()), status="succeeded", **about))
                announce(session, "refund.succeeded", claim_id=event["claim_id"])

    @timer(interval=POLL)
    def relay(self) -> None:
        send(self)


class Notifications:
    name = "notifications"
    db = Database()

    @event_handler("refunds", "refund.succeeded")
    def tell(self, event: dict[str, Any]) -> None:
        with self.db() as session, session.begin():
            if first_time(session, event):
                text = "Your refund is on its way."
                session.add(Notification(id=str(uuid.uuid4()), claim_id=event["claim_id"], text=text))


def announce(session: Session, topic: str, **facts: Any) -> None:
    session.add(Outbox(topic=topic, payload=json.dumps({"event_id": str(uuid.uuid4()), **facts})))


def first_time(session: Session, event: dict[str, Any]) -> bool:
    if session.get(Inbox, event["event_id"]):
        return False
    session.add(Inbox(event_id=event["event_id"]))
    return True


def send(service: Any) -> None:
    """Publish what is in the outbox, each row gone once the broker has it."""
    oldest = sa.select(Outbox).order_by(Outbox.id).limit(BATCH).with_for_update(skip_locked=True)
    full = True
    while full:
        with service.db() as session, session.begin():
            rows = session.scalars(oldest).all()
            for row in rows:
                service.dispatch(row.topic, json.loads(row.payload))
                session.delete(row)
        full = len(rows) == BATCH


def main(service: str, port: str) -> None:
    config = {
        "AMQP_URI": os.environ["AMQP_URI"],
        "WEB_SERVER_ADDRESS": f"127.0.0.1:{port}",
        "max_workers": 10,
    }
    container = ServiceContainer({each.name: each for each in (Claims, Refunds, Notifications)}[service], config)
    container.start()
    container.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
