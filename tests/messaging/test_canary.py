"""A marker in every private comment, random operations by every role: it turns up nowhere outside (I5, T02).

The long form, ten thousand operations: `make test TESTS=tests/messaging/test_canary.py ARGS='--canary 10000'`.
"""

from __future__ import annotations

import io
import itertools
import logging
import random
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from shared.runtime.app import App
from shared.storage.engine import Database
from shared.storage.lines import run
from tests.gateway.conftest import api, api_of  # noqa: F401 - fixtures
from tests.gateway.test_journey import open_claim, shipped_order
from tests.servers import shared_by_the_run
from tests.suite import Principal, agent, coordinator, customer, integrator, seller, supplier

CANARY = "kanarienvogel"
INSIDE = [seller(), coordinator(), agent(), supplier(), integrator("sel_1")]
OUTSIDE = [
    customer(),
    customer("cus_2"),
    seller("sel_2"),
    supplier("sup_2"),
    Principal("account_observer", "obs_public", "shop"),
    Principal("mail_observer", "mob_1", "shop"),
    coordinator(tenant="other"),
]
INSIDERS = {
    ("seller", "sel_1"): "one@seller.example",
    ("coordinator", "coo_1"): "kim@desk.example",
    ("supplier", "sup_1"): "desk@supplier.example",
}
OUTSIDERS = {
    ("seller", "sel_2"): "two@seller.example",
    ("supplier", "sup_2"): "other@supplier.example",
    ("account_observer", "obs_public"): "public@observer.example",
}
READS = (
    "/v1/threads",
    "/v1/threads/{thread}",
    "/v1/threads/{thread}/messages",
    "/v1/claims",
    "/v1/claims?expand=messages",
    "/v1/claims/{claim}",
    "/v1/orders/{order}",
    "/v1/desk/claims",
    "/v1/notifications",
    "/v1/messages/{message}/disclosures",
    "/v1/threads/{thread}/access-requests",
    "/v1/templates",
    "/v1/claims/{claim}/timeline",
    "/v1/claims/{claim}/present",
    "/v1/claims/{claim}/case-file?audience=customer",
    "/v1/claims/{claim}/case-file?audience=authority",
    "/v1/claims/{claim}?as_seen_by=customer",
    "/v1/desk/claims?q=kanarienvogel",
    "/v1/threads/{thread}/draft",
    "/v1/threads/{thread}/present",
    "/v1/refunds",
    "/v1/mails",
)
WRITES = (
    ("PATCH", "/v1/messages/{message}", {"visibility": "public", "confirm": True}),
    ("POST", "/v1/messages/{message}:undo", {}),
    ("POST", "/v1/messages/{message}:edit", {"text": "mine now"}),
    ("POST", "/v1/messages/{message}:handled", {}),
    ("POST", "/v1/messages/{message}:redact", {"reason": "abuse"}),
    ("POST", "/v1/threads/{thread}/messages", {"text": "Hello?"}),
    ("POST", "/v1/threads/{thread}/messages", {"text": "Hello?", "visibility": "private"}),
    ("POST", "/v1/threads/{thread}/messages", {"text": "x", "attachment_ids": ["{message}"]}),
    ("PUT", "/v1/threads/{thread}/draft", {"text": "We were about to"}),
    ("POST", "/v1/threads/{thread}/draft:send", {}),
    ("POST", "/v1/claims/{claim}:merge", {"target_id": "{claim}"}),
    ("POST", "/v1/claims/{claim}:close", {}),
)


def readable(answer) -> str:
    """All that an answer says; of an archive, all that its files say."""
    if answer.content_type != "application/zip":
        return answer.data.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


BREAK = {
    "sqlite": ["create trigger broken before insert on {} begin select raise(abort, 'refused'); end"],
    "postgresql": [
        "create function refuse() returns trigger language plpgsql as 'begin new.id := null; return new; end'",
        "create trigger broken before insert on {} for each row execute function refuse()",
    ],
}
MEND = {"sqlite": "drop trigger broken", "postgresql": "drop function refuse() cascade"}


@contextmanager
def refused_rows(app: App, table: str) -> Iterator[None]:
    """The database takes no new row of this table; PostgreSQL says which row it was."""
    dialect = app.database.engine.dialect.name
    with app.database.transaction() as connection:
        for statement in BREAK[dialect]:
            connection.exec_driver_sql(statement.format(table))
    try:
        yield
    finally:
        with app.database.transaction() as connection:
            connection.exec_driver_sql(MEND[dialect])


@pytest.mark.capability("T02", "I5", "S1-25", "T08")
@pytest.mark.timeout(3600)
def test_a_private_comment_turns_up_nowhere_outside(api_of, request, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    api = api_of(mail="folder", instant_provider=True)  # noqa: F811
    chance = random.Random(20261122)
    for (party, ref), email in (INSIDERS | OUTSIDERS).items():
        body = {"name": "Somebody", "email": email, "locale": "en"}
        api.post(f"/v1/contacts/{party}/{ref}", agent(), body, method="PUT")
    claim = open_claim(api, shipped_order(api))
    one = f"/v1/claims/{claim['id']}"
    api.post(f"{one}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
    api.post(f"{one}/observers", coordinator(), {"kind": "account", "id": "obs_public", "scope": "public"})
    api.suite.settle()
    ids = {"claim": claim["id"], "order": claim["order_id"], "thread": claim["id"].replace("clm_", "thr_")}
    posts = f"/v1/threads/{ids['thread']}/messages"
    written, seen, refused, leaks = [], 0, 0, []

    def private() -> None:
        text = f"{CANARY} {len(written)} the glass comes from a bad batch that nobody must ever hear of"
        answer = api.call("POST", posts, chance.choice(INSIDE), body={"text": text, "visibility": "private"})
        if answer.status_code == 201:
            written.append(answer.json["id"])

    with refused_rows(api.suite.apps["notification"], "comment_copy"):  # so that there is something to read in the logs
        private()
        api.suite.settle()
    for step in range(request.config.getoption("--canary")):
        ids["message"] = chance.choice(written)
        kind = chance.random()
        if kind < 0.15:
            private()
        elif kind < 0.25:
            who, text = chance.choice(INSIDE), chance.choice(["Hello.", "We look into it.", f"Quote: {CANARY} x"[:6]])
            api.call("POST", posts, who, body={"text": text, "visibility": "public"})
        elif kind < 0.35:
            seen += CANARY in api.call("GET", posts, chance.choice(INSIDE)).text
        elif kind < 0.7:
            path = chance.choice(READS).format_map(ids)
            if CANARY in readable(api.call("GET", path, who := chance.choice(OUTSIDE))):
                leaks.append((who.role, path))
        else:
            method, path, body = chance.choice(WRITES)
            filled = {
                name: [v.format_map(ids) for v in value] if isinstance(value, list) else value
                for name, value in body.items()
            }
            answer = api.call(method, path.format_map(ids), who := chance.choice(OUTSIDE), body=filled, if_match="*")
            refused += answer.status_code >= 400
            if CANARY in answer.text:
                leaks.append((who.role, method, path))
        if step % 100 == 99:
            api.suite.advance(minutes=3)
    while api.suite.waiting("notification"):  # what failed on purpose is tried again
        api.suite.advance(minutes=1)

    assert leaks == []
    found = readable(api.call("GET", f"{one}/case-file?audience=customer", customer()))
    assert claim["id"] in found, "the exported case file was read, or its silence would prove nothing"
    assert CANARY not in found
    assert seen, "insiders read the marker, or its absence elsewhere would prove nothing"
    assert refused, "errors were looked at"
    logged = api.suite.logged(caplog.text)
    assert "private_message.posted" in logged, "what went wrong with private comments was logged"
    assert CANARY not in logged
    for service in api.suite.apps:
        public = [e for e in api.suite.events(service) if not e.type.startswith("private_message.")]
        assert CANARY not in "".join(e.body.decode() for e in public)
        assert api.suite.waiting(service) == []
    told = {True: "", False: ""}
    for stored in list_mails(mail_folder(api.suite.settings), 100_000):
        mail = read_mail(mail_folder(api.suite.settings), stored.name)
        inside = mail["To"].addresses[0].addr_spec in INSIDERS.values()
        told[inside] += "".join(part.get_content() for part in mail.walk() if not part.is_multipart()) + str(mail)
    assert CANARY in told[True], "insiders were mailed the marker, or its absence elsewhere would prove nothing"
    assert "ada@customer.example" in told[False]
    assert "public@observer.example" in told[False]
    assert CANARY not in told[False]


@pytest.mark.capability("I5")
def test_neither_log_nor_answer_quotes_a_comment_that_could_not_be_stored(api, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    claim = open_claim(api, shipped_order(api))
    body = {"text": f"{CANARY} in the glass", "visibility": "private"}
    with refused_rows(api.suite.apps["messaging"], "message"):
        answer = api.call("POST", f"/v1/claims/{claim['id']}/messages", seller(), body=body)
    assert (answer.status_code, answer.json["code"]) == (503, "BUSY")
    logged = api.suite.logged(caplog.text)
    assert "conflict on message.post" in logged, "the failure was logged"
    assert CANARY not in answer.text + logged


@pytest.mark.servers
@pytest.mark.capability("I5")
def test_what_postgresql_says_of_a_row_that_it_refused_quotes_nothing_of_it():
    database = Database(shared_by_the_run().database("quoting"))
    with database.transaction() as connection:
        connection.exec_driver_sql("create table said (id int not null, words json)")
    refusing = ((f'"{CANARY}"', "null value in column"), (f'{{"{CANARY}": nonsense}}', "invalid input syntax"))
    for way, (words, rule) in itertools.product((sa.Connection.exec_driver_sql, run), refusing):
        with pytest.raises(sa.exc.DBAPIError) as refused, database.transaction() as connection:
            way(connection, "insert into said (words) values (%(words)s)", {"words": words})
        told = "".join(traceback.format_exception(refused.value))
        assert rule in told
        assert CANARY not in told
        assert refused.value.orig.pgcode
    database.dispose()
