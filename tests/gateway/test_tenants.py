"""Two tenants with the same names for everything: neither ever meets what is the other's (T10)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from services.gateway.routes import ROUTES
from services.gateway.table import ANY_CALLER
from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from tests.gateway.conftest import Api
from tests.gateway.matrix import GESTURE, ROLES, caller
from tests.gateway.test_matrix import GUARDED, by_route, make_world
from tests.messaging.test_canary import readable
from tests.suite import PARCEL, agent, coordinator, customer, integrator, order_args, payment_args, seller, supplier

READS = [route for route in ROUTES if route.method == "GET" and route.scope not in (None, ANY_CALLER)]


class Tenant:
    """A shop whose people, numbers, keys and files are named as everybody's; `word` is in each text of it."""

    def __init__(self, api: Api, name: str, word: str) -> None:
        self.api, self.name, self.word = api, name, word
        self.customer, self.seller, self.supplier, self.coordinator, self.agent, self.integrator = (
            make(tenant=name) for make in (customer, seller, supplier, coordinator, agent, integrator)
        )
        for party, ref in (("seller", "sel_1"), ("supplier", "sup_1"), ("coordinator", "coo_1")):
            contact = {"name": f"{ref} {word}", "email": f"{ref}@{word}.example"}
            api.post(f"/v1/contacts/{party}/{ref}", self.agent, contact, method="PUT")
        self.ids = self._sale()
        self._talk()
        self.ids |= self._money()
        api.suite.settle()

    def _sale(self) -> dict[str, str]:
        post, word = self.api.post, self.word
        ada = {"ref": "cus_1", "name": f"Ada {word}", "email": f"ada@{word}.example", "locale": "en"}
        lines = [{**line, "title": f"{line['title']} {word}"} for line in order_args()["lines"]]
        order = post("/v1/orders", self.integrator, order_args(customer=ada, lines=lines))
        payment = payment_args(order)
        one = f"/v1/orders/{payment.pop('order_id')}"
        post(f"{one}/payments", self.integrator, payment)
        post(f"{one}:ship", self.seller, {"parcel": PARCEL})
        self.api.suite.settle()
        body = {"reason_code": "damaged_items", "title": f"Broken {word}", "text": f"It broke. {word}"}
        claim = post(f"{one}/issues", self.customer, body)
        post(f"/v1/claims/{claim['id']}/observers", self.coordinator, {"kind": "supplier", "id": "sup_1"})
        self.api.suite.settle()
        return {"order_id": order["id"], "claim_id": claim["id"], "thread_id": claim["id"].replace("clm_", "thr_")}

    def _talk(self) -> None:
        post, word, thread = self.api.post, self.word, f"/v1/threads/{self.ids['thread_id']}"
        for visibility in ("public", "private"):
            message = post(f"{thread}/messages", self.seller, {"text": f"Words {word}", "visibility": visibility})
        template = {"name": f"Hello {word}", "locale": "en", "scope": "tenant", "body": f"Hi {word}", "variables": []}
        post("/v1/templates", self.coordinator, template, method="PUT")
        post("/v1/signatures", self.seller, {"scope": "seller", "text": f"The {word} shop"}, method="PUT")
        post(f"{thread}/draft", self.seller, {"text": f"We were about {word}"}, method="PUT")
        post("/v1/desk/views/mine", self.coordinator, {"name": f"Mine {word}", "filters": {}}, method="PUT")
        post("/v1/offers/off_1", self.seller, {"seller_id": "sel_1", "title": f"Lamp {word}", "product_id": "prd_lamp",
                                               "marketplace": "main"}, method="PUT")  # fmt: skip
        self.ids["message_id"] = message["id"]

    def _money(self) -> dict[str, str]:
        """Under a key that the other tenant uses too."""
        asked = {**GESTURE, "reason_code": "goodwill", "order_id": self.ids["order_id"]}
        refund = self.api.post("/v1/refunds", self.seller, asked, key="the-same-key")
        self.api.suite.settle()
        note = self.api.get(f"/v1/refunds/{refund['id']}", self.agent)["credit_note_id"]
        return {"refund_id": refund["id"], "credit_note_id": note}

    def reads(self) -> dict[str, str]:
        """All that anybody of this tenant is told, by route."""
        return {
            f"{route.path} to {who.role}": readable(self.api.call("GET", route.path.format_map(self.ids), who))
            for route in READS
            if set(route.parameters) <= set(self.ids)
            for who in (self.customer, self.seller, self.supplier, self.coordinator, self.agent, self.integrator)
        }


@pytest.fixture
def twins(api_of):
    api = api_of(mail="folder", instant_provider=True)
    return Tenant(api, "shop", "kanarienvogel"), Tenant(api, "other", "nachtigall")


@pytest.mark.capability("T10", "I6")
def test_two_tenants_that_name_everything_alike_never_meet(twins):
    one, other = twins
    suite = one.api.suite
    for mine, foreign in (twins, reversed(twins)):
        told = mine.reads()
        assert [where for where, text in told.items() if foreign.word in text] == []
        assert sum(mine.word in text for text in told.values()) > 40, "or its silence would prove nothing"
        found = mine.api.get(f"/v1/desk/claims?q={foreign.word}", mine.coordinator)
        assert found["items"] == []
    assert one.ids.keys() == other.ids.keys()
    assert not set(one.ids.values()) & set(other.ids.values()), "the same key is another refund in another tenant"
    notes = [twin.api.get(f"/v1/credit-notes/{twin.ids['credit_note_id']}", twin.agent) for twin in twins]
    assert notes[0]["number"] == notes[1]["number"], "each tenant counts its own"
    for service in suite.apps:
        streams = {event.tenant: set() for event in suite.events(service)}
        for event in suite.events(service):
            streams[event.tenant].add((event.stream, event.aggregate_id))
        assert not streams.get(one.name, set()) & streams.get(other.name, set())


@pytest.mark.capability("T10")
def test_what_is_stored_and_mailed_of_a_tenant_holds_nothing_of_another(twins):
    suite, seen = twins[0].api.suite, 0
    for app in suite.apps.values():
        for table in app.storage.metadata.tables.values():
            if "tenant" in table.c:
                with app.database.transaction() as connection:
                    for row in connection.execute(sa.select(table)).mappings():
                        words = {tenant.name for tenant in twins if tenant.word in str(dict(row))}
                        assert words <= {row["tenant"]}, f"{app.name}.{table.name}"
                        seen += len(words)
    assert seen > 50
    folder = mail_folder(suite.settings)
    mails = [read_mail(folder, stored.name).as_string() for stored in list_mails(folder, 1000)]
    words = [{tenant.name for tenant in twins if tenant.word in mail} for mail in mails]
    assert len(words) > 10
    assert all(len(each) == 1 for each in words)


# the second wall: what a query has to say

BY_ID = re.compile(r"\b(id|order_id|claim_id|thread_id|alias_id|event_id)\b (=|IN)")
# of the runtime, which works for all tenants; and a provider's name of a payment, whose account tenants may share
OF_ALL = frozenset({"event_log", "job", "timer", "payment_ref"})


@pytest.mark.joined_only("it reads the statements of services in this process")
@pytest.mark.capability("T10")
def test_a_query_names_its_tenant_or_the_one_thing_that_it_wants(suite_of_module):
    world = make_world(suite_of_module)
    statements: set[tuple[str, str]] = set()
    for app in world.api.suite.apps.values():
        hear = partial(_hear, statements, app.name)
        sa.event.listen(app.database.engine, "before_cursor_execute", hear)
    for route in GUARDED:
        for role in ROLES:
            if role in route.operation.may:
                by_route(world, route, caller(role, "own"))
    world.api.suite.settle()

    assert len(statements) > 200
    named = {name: _with_tenant(app) for name, app in world.api.suite.apps.items()}
    assert [(name, text) for name, text in statements if _forgets(text, named[name])] == []


def _hear(statements: set[tuple[str, str]], service: str, *event: Any) -> None:
    statements.add((service, " ".join(event[2].split())))


def _with_tenant(app: Any) -> set[str]:
    return {table.name for table in app.storage.metadata.tables.values() if "tenant" in table.c} - OF_ALL


def _forgets(text: str, with_tenant: set[str]) -> bool:
    """Does it read rows of whoever they are?"""
    if not text.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
        return False
    read = set(re.findall(r"(?:FROM|JOIN|UPDATE) (\w+)", text)) & with_tenant
    where = text.partition(" WHERE ")[2]
    return bool(read) and "tenant" not in where and not BY_ID.search(where) and where[:5] != "0 = 1"


def test_a_query_that_forgets_its_tenant_is_noticed():
    assert _forgets("SELECT claim.id FROM claim WHERE claim.state = ?", {"claim"})
    assert _forgets("SELECT count(*) FROM claim", {"claim"})
    assert not _forgets("SELECT claim.id FROM claim WHERE claim.tenant = ?", {"claim"})
    assert not _forgets("SELECT claim.id FROM claim WHERE claim.id IN (?)", {"claim"})
