"""The harness of the journeys: services joined in this process, a clock that moves when told to, callers by role."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shared.kernel.calls import Answer, Call
from shared.kernel.clock import ManualClock
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.runtime.direct import Joined
from shared.runtime.outbox import from_log_row, raw_log_columns

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TENANT = "shop"


class Suite:
    """Services joined directly on SQLite. `settle()` runs until nothing is left to do: tests never sleep."""

    def __init__(self, folder: Path, names: Iterable[str], start: datetime = START, **settings: Any) -> None:
        self.clock = ManualClock(start)
        self.settings = Settings(data_dir=folder, **settings)
        self.apps: dict[str, App] = {}
        for name in names:
            app = import_module(f"services.{name}.app").build(self.settings, self.clock)
            app.create_tables()
            self.apps[name] = app
        self.joined = Joined(self.apps.values())

    def gateway(self) -> Any:
        """The gateway on these services, a WSGI application."""
        clients = import_module("services.gateway.clients").DirectClients(self.joined)
        return import_module("services.gateway.app").build(self.settings, clients)

    def close(self) -> None:
        for app in self.apps.values():
            app.database.dispose()

    def call(self, name: str, principal: Principal, /, key: str | None = None, version: int | None = None, **args: Any):
        """One command or query, its service named by the operation (`order.place` → see OWNERS). Answers an Answer."""
        owner = owner_of(self.apps, name)
        return owner.execute([Call(name, args, principal, idempotency_key=key, expected_version=version)])[0]

    def do(self, name: str, principal: Principal, /, key: str | None = None, version: int | None = None, **args: Any):
        """`call`, which must succeed; answers the view. Money commands get a fresh key unless one is given."""
        answer = self.call(name, principal, key or new_id("key"), version, **args)
        assert answer.ok, f"{name}: {answer.body}"
        return answer.body

    def refused(self, name: str, principal: Principal, /, key: str | None = None, **args: Any) -> dict[str, Any]:
        """`call`, which must be refused and publish nothing; answers the problem."""
        before = self.event_count()
        answer: Answer = self.call(name, principal, key or new_id("key"), **args)
        assert not answer.ok, f"{name} was accepted: {answer.body}"
        assert self.event_count() == before, "a refused command published something"
        return answer.body

    def settle(self) -> None:
        """Deliver events, perform jobs, fire due timers, until all is quiet."""
        self.joined.settle()

    def advance(self, **delta: float) -> None:
        """Move the clock, then let everything due happen."""
        self.clock.advance(**delta)
        self.settle()

    def events(self, service: str, type: str | None = None) -> list[Any]:
        """The envelopes a service has announced, oldest first."""
        app = self.apps[service]
        log = app.storage.runtime.event_log
        statement = sa.select(*raw_log_columns(log)).order_by(log.c.event_id)
        if type:
            statement = statement.where(log.c.type == type)
        with app.database.transaction() as connection:
            return [from_log_row(row) for row in connection.execute(statement).mappings()]

    def event_types(self, service: str) -> list[str]:
        return [event.type for event in self.events(service)]

    def event_count(self) -> int:
        return sum(len(self.events(name)) for name in self.apps)

    def environment(self) -> dict[str, str]:
        """Where the operator's commands find the databases."""
        return {"DATA_DIR": str(self.settings.data_dir)}

    def stored(self) -> bytes:
        """Everything that the databases hold."""
        return b"".join(path.read_bytes() for path in self.settings.data_dir.glob("*.db*"))

    def logged(self, here: str) -> str:
        """What the services wrote to their logs during this test. here: what was logged in this process."""
        return here

    def waiting(self, service: str) -> list[dict[str, Any]]:
        """What waits in a service's inbox: gaps, retries and the dead."""
        app = self.apps[service]
        with app.database.transaction() as connection:
            return [dict(row) for row in connection.execute(sa.select(app.storage.runtime.inbox_waiting)).mappings()]


def owner_of(apps: dict[str, App], operation: str) -> App:
    """The app that takes this operation."""
    for app in apps.values():
        if operation in app.executor.commands or operation in app.executor.queries:
            return app
    raise LookupError(f"none of {sorted(apps)} takes {operation}")


def customer(ref: str = "cus_1", tenant: str = TENANT) -> Principal:
    return Principal("customer", f"user_{ref}", tenant, party=ref)


def seller(seller_id: str = "sel_1", tenant: str = TENANT) -> Principal:
    return Principal("seller", f"user_{seller_id}", tenant, party=seller_id)


def supplier(supplier_id: str = "sup_1", tenant: str = TENANT) -> Principal:
    return Principal("supplier", f"user_{supplier_id}", tenant, party=supplier_id)


def coordinator(id: str = "coo_1", tenant: str = TENANT) -> Principal:
    return Principal("coordinator", id, tenant)


def agent(id: str = "agt_1", tenant: str = TENANT) -> Principal:
    return Principal("platform_agent", id, tenant)


def integrator(seller_id: str | None = None, tenant: str = TENANT) -> Principal:
    return Principal("integrator", f"key_{seller_id or 'platform'}", tenant, party=seller_id)


VAT = {"code": "FR_VAT_20", "rate": "20"}


def order_args(number: str = "1001", **changes: Any) -> dict[str, Any]:
    """A valid order: 2 lamps and 1 rug with VAT inside, 5.00 of discount over the lines, 4.90 of shipping: 174.90."""
    return {
        "number": number,
        "marketplace": "main",
        "profile": "issue",
        "seller_id": "sel_1",
        "customer": {"ref": "cus_1", "name": "Ada Byron", "email": "ada@customer.example", "locale": "en"},
        "currency": "EUR",
        "lines": [
            {
                "line_id": f"lin_{number}_1",
                "product_id": "prd_lamp",
                "sku": "LAMP",
                "title": "Brass lamp",
                "quantity": 2,
                "unit_price": 4500,
                "supplier_id": "sup_1",
                "taxes": [VAT],
            },
            {
                "line_id": f"lin_{number}_2",
                "product_id": "prd_rug",
                "sku": "RUG",
                "title": "Wool rug",
                "quantity": 1,
                "unit_price": 8500,
                "taxes": [VAT],
            },
        ],
        "discount": 500,
        "shipping": [{"shipment_id": f"shp_{number}", "gross": 490, "taxes": [VAT]}],
        "total": 17490,
        **changes,
    }


def payment_args(order: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The capture of the whole order by Stripe."""
    return {
        "order_id": order["id"],
        "payment_id": f"pay_{order['number']}",
        "provider": "stripe",
        "provider_ref": f"pi_{order['number']}",
        "amount": order["total"],
        **changes,
    }


PARCEL = {"carrier": "Colissimo", "tracking_number": "8L00000000001"}
