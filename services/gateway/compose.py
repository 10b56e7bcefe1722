"""Pages made of several services' answers. A part that does not answer is null and named in `warnings` (R32)."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from services.gateway.clients import owner_of
from services.gateway.inquiry import Inquiry
from services.gateway.problems import ServiceUnavailable
from shared.contracts.claim import CLOSE_MANY
from shared.contracts.messaging import THREAD_CLOSE
from shared.kernel.calls import Answer
from shared.kernel.errors import InvalidInput

DEADLINE = 1.0  # seconds for all parts of a page: the whole must stay under 1.5 s at the 99th percentile
PAGES_OF_MESSAGES = 5  # of 200: what a list of claims may bring along before it says that it cut


def parts(gateway: Any, inquiry: Inquiry, wanted: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, Answer | None]:
    """Ask for {part: (operation, args)} at once."""
    calls = {part: (owner_of(name), inquiry.call(name, args)) for part, (name, args) in wanted.items()}
    return gateway.clients.gather(calls, DEADLINE)


def page(gateway: Any, inquiry: Inquiry, main: str, wanted: dict[str, tuple[str, dict[str, Any]]]) -> Answer:
    """The view of `main` with the other parts inside. Without the main part there is no page: 503, or its refusal."""
    found = parts(gateway, inquiry, wanted)
    first = found.pop(main)
    if first is None:
        gateway.metrics.part_missing(main)
        raise ServiceUnavailable(service=owner_of(wanted[main][0]))
    if not first.ok:
        return first
    body: dict[str, Any] = {**first.body, "warnings": []}
    for part, answer in found.items():
        body[part] = answer.body if answer is not None and answer.ok else None
        if warning := warning_of(part, wanted[part][0], answer):
            body["warnings"].append(warning)
            gateway.metrics.part_missing(part)
    return Answer(200, body)


def warning_of(part: str, operation: str, answer: Answer | None) -> dict[str, str] | None:
    """Why a part is null. A part that this caller may not see is null without a word."""
    if answer is None:
        return {"part": part, "code": "NO_ANSWER", "service": owner_of(operation)}
    if answer.ok or answer.status == 403:
        return None
    return {"part": part, "code": answer.body["code"], "service": owner_of(operation)}


def order_page(gateway: Any, inquiry: Inquiry) -> Answer:
    """An order with its claims and with what can still be refunded."""
    of_order = {"order_id": inquiry.args["order_id"]}
    answer = page(
        gateway,
        inquiry,
        "order",
        {
            "order": ("order.get", dict(inquiry.args)),
            "claims": ("claim.list", {**of_order, "limit": 200}),
            "refund_envelope": ("refund.envelope", of_order),
        },
    )
    return _unwrapped(answer, "claims")


def order_list(gateway: Any, inquiry: Inquiry) -> Answer:
    """A page of orders with the issue column beside the status (S2-06) and the address for each (S0-12).

    Null when nobody answers for a column.
    """
    answer = gateway.clients.call("order", inquiry.call())
    if not answer.ok:
        return answer
    orders = answer.body["items"]
    answer.body["warnings"] = []
    if not orders:
        return answer
    ids = {"order_ids": [order["id"] for order in orders]}
    asked = {"issues": ("claim.of_orders", ids)}
    if gateway.settings.relay_domain:
        asked["contact_alias"] = ("alias.offer", ids)
    found = parts(gateway, inquiry, asked)
    known: dict[str, dict[str, Any] | None] = {}
    for part, each in found.items():
        if warning := warning_of(part, asked[part][0], each):
            answer.body["warnings"].append(warning)
        known[part] = each.body if each is not None and each.ok else None
    issues = known["issues"]["orders"] if known["issues"] else None
    offered = known.get("contact_alias")
    contacts = {each["order_id"]: each["address"] for each in offered["results"]} if offered else None
    for order in orders:
        order["issues"] = issues[order["id"]]["issues"] if issues else None
        order["contact_alias"] = contacts[order["id"]] if contacts else None
    return answer


def close_threads(gateway: Any, inquiry: Inquiry) -> Answer:
    """S0-22: each discussion by itself. That of a claim is closed by its claim, which knows what still forbids it."""
    try:
        asked = THREAD_CLOSE.schema.load(inquiry.args)["thread_ids"]
    except ValidationError as wrong:
        raise InvalidInput(fields=wrong.normalized_messages()) from None
    claims = {id: "clm_" + id.removeprefix("thr_") for id in asked}  # a claim's thread is named after its claim
    first = gateway.clients.call("claim", inquiry.call(CLOSE_MANY.name, {"claim_ids": list(claims.values())}))
    if not first.ok:
        return first
    by_claim = {each["claim_id"]: each["result"] for each in first.body["results"]}
    found = {id: by_claim[claim] for id, claim in claims.items()}
    others = [id for id in asked if found[id] == "NOT_FOUND"]
    if others:
        second = gateway.clients.call("messaging", inquiry.call(args={"thread_ids": others}))
        if not second.ok:
            return second
        found |= {each["thread_id"]: each["result"] for each in second.body["results"]}
    return Answer(200, {"results": [{"thread_id": id, "result": found[id]} for id in asked]})


def named_requesters(gateway: Any, inquiry: Inquiry, answer: Answer) -> Answer:
    """S1-10: each row with its requester's name: as he was signed in, else as his orders name him."""
    if not answer.ok:
        return answer
    nameless = [
        item["requester"] for item in answer.body["items"] if "requester" in item and not item["requester"]["name"]
    ]
    if nameless:
        asked = {"customer_refs": sorted({each["ref"] for each in nameless})}
        names = parts(gateway, inquiry, {"names": ("customer.list", asked)})["names"]
        known = names.body["customers"] if names is not None and names.ok else {}
        for each in nameless:
            each["name"] = known.get(each["ref"], {}).get("name")
        if warning := warning_of("names", "customer.list", names):
            answer.body["warnings"] = [warning]
    return answer


def claim_page(gateway: Any, inquiry: Inquiry) -> Answer:
    """A claim with its thread, the messages that the caller may read, its refunds, and who else has it open (B15)."""
    claim_id = inquiry.args["claim_id"]
    wanted = {
        "claim": ("claim.get", dict(inquiry.args)),
        "thread": ("thread.get", {"claim_id": claim_id}),
        "messages": ("thread.messages", {"claim_ids": [claim_id], "limit": 200}),
        "refunds": ("refund.list", {"claim_id": claim_id, "limit": 200}),
        "returns": ("return.list", {"claim_id": claim_id, "limit": 200}),
    }
    if inquiry.principal.role != "customer":
        wanted["present"] = ("draft.present", {"claim_id": claim_id})
    answer = page(gateway, inquiry, "claim", wanted)
    if answer.ok and answer.body.get("present"):
        answer.body["present"] = answer.body["present"]["items"]
    if answer.ok and "requester" in answer.body:
        named = named_requesters(gateway, inquiry, Answer(200, {"items": [answer.body]}))
        answer.body["warnings"] += named.body.get("warnings", [])
    return _unwrapped(answer, "messages", "refunds", "returns")


def _unwrapped(answer: Answer, *lists: str) -> Answer:
    """A list inside a page is its items; that there are more than the page holds is a warning."""
    if answer.ok:
        for part in lists:
            if (found := answer.body[part]) is not None:
                answer.body[part] = found["items"]
                if found["next_cursor"]:
                    answer.body["warnings"].append({"part": part, "code": "CUT", "service": ""})
    return answer


def claim_list(gateway: Any, inquiry: Inquiry) -> Answer:
    """A page of claims; `expand=messages` brings each one's messages along, asked for all at once (S0-08)."""
    expand = inquiry.args.pop("expand", None)
    answer = gateway.clients.call("claim", inquiry.call())
    if not answer.ok or expand is None:
        return answer
    ids = [claim["id"] for claim in answer.body["items"]]
    messages, warnings = _messages_of(gateway, inquiry, ids) if ids else ([], [])
    by_claim: dict[str, list[Any]] = {id: [] for id in ids}
    for message in messages or ():
        by_claim[message["claim_id"]].append(message)
    for claim in answer.body["items"]:
        claim["messages"] = None if messages is None else by_claim[claim["id"]]
    answer.body["warnings"] = warnings
    return answer


def _messages_of(gateway: Any, inquiry: Inquiry, claim_ids: list[str]) -> tuple[list[Any] | None, list[dict[str, str]]]:
    args: dict[str, Any] = {"claim_ids": claim_ids, "limit": 200}
    found: list[Any] = []
    for _ in range(PAGES_OF_MESSAGES):
        answer = parts(gateway, inquiry, {"messages": ("thread.messages", dict(args))})["messages"]
        if answer is None or not answer.ok:
            warning = warning_of("messages", "thread.messages", answer)
            return None, [warning] if warning else []
        found += answer.body["items"]
        if not answer.body["next_cursor"]:
            return found, []
        args["cursor"] = answer.body["next_cursor"]
    return found, [{"part": "messages", "code": "CUT", "service": "messaging"}]
