"""The signed file of a case: complete for its audience, silent about the rest, and it shows every change (N12)."""

from __future__ import annotations

import io
import zipfile

import orjson
import pytest

from services.commands.casefile import main as casefile
from services.gateway.app import build
from shared.ops.signed_file import NotGenuine, verify
from tests.gateway.test_parts import Lines
from tests.gateway.test_timeline import PRIVATE, api, case  # noqa: F401 - fixtures
from tests.suite import coordinator, customer, seller, supplier


def fetched(api, case, who, audience) -> bytes:  # noqa: F811
    response = api.call("GET", f"/v1/claims/{case['id']}/case-file?audience={audience}", who)
    assert (response.status_code, response.content_type) == (200, "application/zip"), response.text
    return response.data


def inside(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.capability("N12")
def test_the_authoritys_file_holds_the_whole_case(api, case):  # noqa: F811
    content = fetched(api, case, coordinator(), "authority")
    said, files = verify(content), inside(content)
    assert (said["number"], said["audience"], said["made_for"]["id"]) == (case["number"], "authority", "coo_1")
    texts = [(message["visibility"], message["text"]) for message in orjson.loads(files["messages.json"])]
    assert ("private", PRIVATE) in texts
    [refund] = orjson.loads(files["refunds.json"])
    [note] = orjson.loads(files["credit-notes.json"])
    assert (refund["state"], note["id"]) == ("succeeded", refund["credit_note_id"])
    decided = orjson.loads(files["decisions.json"])
    assert decided["rules"]["profile"] == case["profile"]
    assert "claim.resolution_chosen" in [each["type"] for each in decided["decisions"]]
    assert "notification.sent" in files["timeline.json"].decode()


@pytest.mark.capability("N12", "T02", "I5")
def test_the_customers_file_holds_nothing_that_a_customer_may_not_read(api, case):  # noqa: F811
    for who in (customer(), seller(), coordinator()):
        everything = b"".join(inside(fetched(api, case, who, "customer")).values())
        for secret in (b"CANARY", b"sup_1", b"private", b"assignee", b"verdicts", b"holds_settlement"):
            assert secret not in everything, (who.role, secret)
        assert b"We look into it." in everything


@pytest.mark.capability("N12", "T05")
def test_nobody_gets_a_file_for_eyes_that_see_more_than_his(api, case):  # noqa: F811
    path = f"/v1/claims/{case['id']}/case-file?audience="
    api.refused("GET", path + "seller", customer(), "FORBIDDEN")
    api.refused("GET", path + "authority", customer(), "FORBIDDEN")
    api.refused("GET", path + "authority", seller(), "FORBIDDEN")
    api.refused("GET", path + "customer", supplier(), "FORBIDDEN")
    api.refused("GET", path + "customer", customer("cus_2"), "NOT_FOUND")
    api.refused("GET", path + "everybody", coordinator(), "INVALID_INPUT")


@pytest.mark.capability("T02")
def test_staff_see_a_page_as_its_customer_sees_it_and_nobody_else_may(api, case):  # noqa: F811
    path = f"/v1/claims/{case['id']}?as_seen_by="
    seen, own = api.get(path + "customer", coordinator()), api.get(f"/v1/claims/{case['id']}", customer())
    for page in (seen, own):
        page.pop("allowed_actions")
    assert [each["text"] for each in seen["messages"]] == [each["text"] for each in own["messages"]]
    assert seen.keys() == own.keys()
    assert PRIVATE in api.call("GET", path + "seller", coordinator()).text
    api.refused("GET", path + "customer", seller(), "FORBIDDEN")
    api.refused("GET", path + "supplier", coordinator(), "INVALID_INPUT")


@pytest.mark.capability("N12")
def test_a_file_is_whole_or_there_is_none(api, case):  # noqa: F811
    lines = Lines(api)
    lines["refund"].dead = True
    lines.api.refused("GET", f"/v1/claims/{case['id']}/case-file?audience=customer", customer(), "SERVICE_UNAVAILABLE")


def test_in_production_a_file_needs_a_key_of_its_own(api, case):  # noqa: F811
    object.__setattr__(api.gateway.settings, "mode", "production")
    api.refused("GET", f"/v1/claims/{case['id']}/case-file?audience=customer", customer(), "NO_SIGNING_KEY")
    object.__setattr__(api.gateway.settings, "case_file_key", "5a" * 32)
    assert build(api.gateway.settings, api.gateway.clients)
    assert verify(fetched(api, case, customer(), "customer"))["number"] == case["number"]


def rewritten(content: bytes, **changes: bytes | None) -> bytes:
    files = {**inside(content), **{name.replace("_", "."): value for name, value in changes.items()}}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, value in files.items():
            if value is not None:
                archive.writestr(name, value)
    return written.getvalue()


@pytest.mark.capability("N12")
def test_every_change_shows_and_the_command_tells_it(api, case, tmp_path, capsys):  # noqa: F811
    content = fetched(api, case, customer(), "customer")
    genuine, files = tmp_path / "case.zip", inside(content)
    genuine.write_bytes(content)
    key = verify(content)["public_key"]
    assert casefile(["verify", str(genuine), "--key", key]) == 0
    assert f"claim {case['number']} for customer" in capsys.readouterr().out
    assert casefile(["verify", str(genuine), "--key", "A" * 43 + "="]) == 1
    assert "another key" in capsys.readouterr().err
    manifest = files["manifest.json"].replace(b'"customer"', b'"authority"', 1)
    for wrong, reason in (
        (rewritten(content, claim_json=files["claim.json"] + b" "), "claim.json was changed"),
        (rewritten(content, claim_json=None), "claim.json is missing"),
        (rewritten(content, letter_json=b"{}"), "letter.json was added"),
        (rewritten(content, manifest_json=manifest), "the signature is not that of this manifest"),
        (rewritten(content, signature_json=b"{}"), "no readable manifest"),
        (content[:-30], "no readable ZIP"),
    ):
        with pytest.raises(NotGenuine, match=reason):
            verify(wrong)
    genuine.write_bytes(rewritten(content, claim_json=b"{}"))
    assert casefile(["verify", str(genuine)]) == 1
