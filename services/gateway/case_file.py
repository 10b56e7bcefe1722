"""The signed file of a case: everything that its audience may know, as one ZIP (N12).

The services are asked with the audience's own eyes, so that the file holds exactly what that audience could read; what
does not answer is not left out: then there is no file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from werkzeug.wrappers import Response

from services.gateway.answers import SAFE, unless_known
from services.gateway.case import case_timeline
from services.gateway.clients import owner_of
from services.gateway.inquiry import Inquiry
from services.gateway.problems import ServiceUnavailable
from shared.contracts import claim, messaging, refund
from shared.contracts.registry import Operation
from shared.contracts.timeline import AUDIENCES, CASE_FILE
from shared.kernel.calls import Answer
from shared.kernel.errors import Refusal
from shared.kernel.principal import Principal
from shared.ops.settings import Settings
from shared.ops.signed_file import pack

FORMAT = "aftersale-case-file/1"
DEVELOPMENT_KEY = b"development key of case files !!"  # 32 bytes that everybody knows
DECIDED = ("claim.", "refund.approval_required", "refund.approved", "refund.rejected")
OF_THE_MOMENT = ("allowed_actions", "allowed_resolutions", "attention", "compose_defaults")  # no facts of the case
README = """\
FR  Dossier signé d'une réclamation. manifest.json nomme chaque fichier avec son empreinte SHA-256 et les enchaîne ;
    signature.json signe le manifeste (Ed25519). Vérifier : aftersale casefile verify FICHIER --key CLE_PUBLIQUE
EN  Signed file of a claim. manifest.json names every file with its SHA-256 and chains them; signature.json signs the
    manifest (Ed25519). To verify: aftersale casefile verify FILE --key PUBLIC_KEY
"""


class NoSigningKey(Refusal):
    """Case files cannot be signed: set CASE_FILE_KEY to 64 hexadecimal digits, the same on every gateway."""

    code = "NO_SIGNING_KEY"
    status = 503
    rule = "N12"


def signing_key(settings: Settings) -> bytes:
    """The 32 bytes of the Ed25519 key. Raises NoSigningKey."""
    if settings.case_file_key:
        return bytes.fromhex(settings.case_file_key)
    if settings.production:
        raise NoSigningKey()
    return DEVELOPMENT_KEY


def case_file(gateway: Any, inquiry: Inquiry) -> Answer | Response:
    """GET …/case-file: the ZIP, or the refusal of the claim service."""
    key = signing_key(gateway.settings)
    asked = gateway.clients.call("claim", inquiry.call(CASE_FILE.name))
    if not asked.ok:
        return asked
    audience, case = inquiry.args.get("audience", AUDIENCES[0]), asked.body
    seen = replace(inquiry, principal=eyes(audience, case, inquiry.principal.tenant))
    told = case_timeline(gateway, replace(seen, args={"claim_id": case["claim_id"]})).body
    if told["warnings"]:
        raise ServiceUnavailable(service=told["warnings"][0]["service"])
    history = told["items"]
    facts = {
        "format": FORMAT,
        "claim_id": case["claim_id"],
        "number": case["number"],
        "audience": audience,
        "as_of": history[-1]["at"],
        "made_for": inquiry.principal.actor,
    }
    content = pack(_files(gateway, seen, case, history), facts, key)
    name = f"case-{case['claim_id']}-{audience}.zip"
    headers = {**SAFE, "Cache-Control": "private, no-cache", "Content-Disposition": f'attachment; filename="{name}"'}
    response = Response(content, 200, headers, content_type="application/zip")
    response.add_etag()
    return unless_known(response, inquiry.environ)


def eyes(audience: str, case: dict[str, Any], tenant: str) -> Principal:
    """Who sees what this audience may see: an authority what staff see."""
    if audience == "customer":
        return Principal("customer", "case-file", tenant, party=case["customer_ref"], via="case-file")
    if audience == "seller":
        return Principal("seller", "case-file", tenant, party=case["seller_id"], via="case-file")
    return Principal("coordinator", "case-file", tenant, via="case-file")


def _files(gateway: Any, seen: Inquiry, case: dict[str, Any], history: list[dict[str, Any]]) -> dict[str, bytes]:
    one = {"claim_id": case["claim_id"]}
    found = _ask(gateway, seen, claim.GET, one)
    messages = _all(gateway, seen, messaging.THREAD_MESSAGES, {"claim_ids": [case["claim_id"]]})
    refunds = _all(gateway, seen, refund.LIST, one)
    notes = [each["credit_note_id"] for each in refunds if each["credit_note_id"]]
    parts = {
        "claim.json": found,
        "timeline.json": history,
        "messages.json": messages,
        "attachments.json": _attachments(found, messages),
        "decisions.json": _decisions(found, history, refunds),
        "refunds.json": refunds,
        "credit-notes.json": [_ask(gateway, seen, refund.GET_CREDIT_NOTE, {"credit_note_id": id}) for id in notes],
    }
    written = {name: orjson.dumps(_facts(part), option=orjson.OPT_INDENT_2) for name, part in parts.items()}
    return {"README.txt": README.encode(), **written}


def _attachments(found: dict[str, Any], messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was attached where, with its hash as the service that keeps it tells it."""
    photos = [{"of": "claim", "attachment": photo} for photo in found["photos"]]
    return photos + [
        {"of": message["id"], "attachment": each} for message in messages for each in message.get("attachments") or ()
    ]


def _decisions(found: dict[str, Any], history: list[Any], refunds: list[Any]) -> dict[str, Any]:
    """What was decided, by whom, and the rules that it stood on."""
    return {
        "rules": {"profile": found["profile"], "version": found["profile_version"], "reason": found["reason"]},
        "decisions": [each for each in history if each["type"].startswith(DECIDED)],
        "refund_rules": {each["id"]: each["verdicts"] for each in refunds if "verdicts" in each},
    }


def _ask(gateway: Any, seen: Inquiry, operation: Operation, args: dict[str, Any]) -> dict[str, Any]:
    answer = gateway.clients.call(owner_of(operation.name), seen.call(operation.name, args))
    if not answer.ok:
        raise ServiceUnavailable(service=owner_of(operation.name))
    return answer.body


def _all(gateway: Any, seen: Inquiry, operation: Operation, args: dict[str, Any]) -> list[dict[str, Any]]:
    """Every page of a list."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = _ask(gateway, seen, operation, {**args, "limit": 200, **({"cursor": cursor} if cursor else {})})
        items += page["items"]
        cursor = page["next_cursor"]
    return items


def _facts(value: Any) -> Any:
    """Without what says only what one might do at this moment."""
    if isinstance(value, dict):
        return {name: _facts(each) for name, each in value.items() if name not in OF_THE_MOMENT}
    return [_facts(each) for each in value] if isinstance(value, list) else value
