"""A marker in every private comment, random operations by every role: it turns up nowhere outside (I5, T02).

The long form: `pytest tests/messaging/test_canary.py --canary 10000`.
"""

from __future__ import annotations

import io
import logging
import random
import zipfile

import pytest

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from tests.gateway.conftest import api, api_of  # noqa: F401 - fixtures
from tests.gateway.test_journey import open_claim, shipped_order
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
    "/v1/claims/{claim}/case-file?audience=customer",
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
)


def readable(answer) -> str:
    """All that an answer says; of an archive, all that its files say."""
    if answer.content_type != "application/zip":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return "".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


@pytest.mark.capability("T02", "I5", "S1-25", "T08")
@pytest.mark.timeout(3600)
def test_a_private_comment_turns_up_nowhere_outside(api_of, request, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    api = api_of(mail="folder", instant_provider=True)  # noqa: F811
    chance = random.Random(20261122)
    claim = open_claim(api, shipped_order(api))
    one = f"/v1/claims/{claim['id']}"
    api.post(f"{one}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
    api.post(f"{one}/observers", coordinator(), {"kind": "account", "id": "obs_public", "scope": "public"})
    api.suite.settle()
    ids = {"claim": claim["id"], "order": claim["order_id"], "thread": claim["id"].replace("clm_", "thr_")}
    posts = f"/v1/threads/{ids['thread']}/messages"
    written, seen, leaks = [], 0, []

    def private() -> None:
        text = f"{CANARY} {len(written)} the glass comes from a bad batch that nobody must ever hear of"
        answer = api.call("POST", posts, chance.choice(INSIDE), body={"text": text, "visibility": "private"})
        if answer.status_code == 201:
            written.append(answer.json["id"])

    private()
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
            if CANARY in answer.text:
                leaks.append((who.role, method, path))
        if step % 100 == 99:
            api.suite.advance(minutes=3)
    api.suite.advance(minutes=5)

    assert leaks == []
    found = readable(api.call("GET", f"{one}/case-file?audience=customer", customer()))
    assert claim["id"] in found, "the exported case file was read, or its silence would prove nothing"
    assert CANARY not in found
    assert seen, "insiders read the marker, or its absence elsewhere would prove nothing"
    assert CANARY not in caplog.text
    for service in api.suite.apps:
        public = [e for e in api.suite.events(service) if not e.type.startswith("private_message.")]
        assert CANARY not in "".join(e.body.decode() for e in public)
        assert api.suite.waiting(service) == []
    folder = mail_folder(api.suite.settings)
    for stored in list_mails(folder, 100_000):
        mail = read_mail(folder, stored.name)
        if mail["To"].addresses[0].addr_spec == "ada@customer.example":
            assert CANARY not in "".join(part.get_content() for part in mail.walk() if not part.is_multipart())
