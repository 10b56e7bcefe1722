"""The commands: load, decide, save."""

from __future__ import annotations

from typing import Any

from services.claim import queries
from services.claim.handlers.deciding import change, keep
from services.claim.handlers.replacing import choose_replacement
from services.claim.model import Claim, Colleague, OrderCase
from services.claim.model.refusals import LineNotInOrder, NoSuchCoordinator, ResolutionNotOffered
from services.claim.policies import BY_INSTRUMENT
from shared.kernel.errors import Refusal
from shared.kernel.money import Money
from shared.runtime.unit_of_work import Context

View = dict[str, Any]


def choose_resolution(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-03, CLM-04, S2-11…14. A refund's outcome comes back as an event (CLM-05, CLM-06)."""
    at = change(ctx, args["claim_id"], "choose_resolution")
    if args["kind"] == "replacement":
        choose_replacement(ctx, at, args)
    elif at.case is None:
        raise ResolutionNotOffered(profile=at.claim.profile.code, kind=args["kind"])
    else:
        refund = _wanted_refund(at.claim, at.case, args)
        at.claim.choose_refund(at.asking, args["kind"], ctx.new_id("rfd"), refund)
    return keep(ctx, at)


def _wanted_refund(claim: Claim, case: OrderCase, args: dict[str, Any]) -> dict[str, Any]:
    """What is asked of the refund service: as given, else the claim's lines, else the whole order with shipping.

    Whether that much is left is the refund service's to say. Raises CurrencyMismatch, LineNotInOrder.
    """
    asked = args.get("refund")
    wanted: dict[str, Any] = {"kind": "claim_resolution", "lines": claim.lines, "shipping": not claim.lines}
    if asked is not None:
        lines = asked["lines"] or ([] if "amount" in asked else claim.lines)
        wanted |= {"lines": lines, "shipping": asked["shipping"]}
        if "amount" in asked:
            Money.of(asked["amount"]) + Money(0, claim.currency)
            wanted["amount"] = asked["amount"]
        if "quote_id" in asked:
            wanted["quote_id"] = asked["quote_id"]
    if args["kind"] == "gesture":
        wanted["kind"] = "commercial_gesture"
    if args["kind"] in BY_INSTRUMENT:
        wanted["instrument"] = args["kind"]
    known = {line["line_id"] for line in case.lines}
    for line in wanted["lines"]:
        if line["line_id"] not in known:
            raise LineNotInOrder(line_id=line["line_id"])
    return {**wanted, "reason_code": (asked or {}).get("reason_code", claim.reason_code)}


def start(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-02."""
    at = change(ctx, args["claim_id"], "start")
    at.claim.start(at.asking)
    return keep(ctx, at)


def propose(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-07, S2-15: the text is posted as a public comment by the messaging service."""
    at = change(ctx, args["claim_id"], "propose")
    at.claim.propose(at.asking, ctx.new_id("msg"), args["text"], args.get("kind"))
    return keep(ctx, at)


def confirm(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-08, S2-16."""
    at = change(ctx, args["claim_id"], "confirm")
    at.claim.confirm(at.asking)
    return keep(ctx, at)


def reject(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-09."""
    at = change(ctx, args["claim_id"], "reject")
    at.claim.reject(at.asking, args["reason"])
    return keep(ctx, at)


def escalate(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-11."""
    at = change(ctx, args["claim_id"], "escalate")
    at.claim.escalate(at.asking, args["reason"])
    return keep(ctx, at)


def hand_back(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-12."""
    at = change(ctx, args["claim_id"], "hand_back")
    at.claim.hand_back(at.asking)
    return keep(ctx, at)


def resolve(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-13, CLM-15."""
    at = change(ctx, args["claim_id"], "resolve")
    at.claim.resolve(at.asking)
    return keep(ctx, at)


def refuse(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-14, S2-25."""
    at = change(ctx, args["claim_id"], "refuse")
    at.claim.refuse(at.asking, args["reason_code"])
    return keep(ctx, at)


def reopen(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-17."""
    at = change(ctx, args["claim_id"], "reopen")
    at.claim.reopen(at.asking, args.get("reason"))
    return keep(ctx, at)


def appeal(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-18."""
    at = change(ctx, args["claim_id"], "appeal")
    at.claim.appeal(at.asking, args["text"])
    return keep(ctx, at)


def close(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-19."""
    at = change(ctx, args["claim_id"], "close")
    at.claim.close(at.asking)
    return keep(ctx, at)


def close_many(ctx: Context, args: dict[str, Any]) -> View:
    """S0-22: each id on its own, CLOSED or the code of its refusal; the others are closed all the same (I17)."""
    return {"results": [{"claim_id": id, "result": _close_one(ctx, id)} for id in args["claim_ids"]]}


def _close_one(ctx: Context, claim_id: str) -> str:
    try:
        close(ctx, {"claim_id": claim_id})
    except Refusal as refusal:
        return refusal.code
    return "CLOSED"


def withdraw(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-20."""
    at = change(ctx, args["claim_id"], "withdraw")
    at.claim.withdraw(at.asking, args.get("reason"))
    return keep(ctx, at)


def merge(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-21."""
    at = change(ctx, args["claim_id"], "merge")
    at.claim.merge_into(at.asking, queries.visible_claim(ctx, args["target_id"]))
    return keep(ctx, at)


def set_state(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-16."""
    at = change(ctx, args["claim_id"], "set_state")
    at.claim.set_state(at.asking, args["target"])
    return keep(ctx, at)


def assign(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-22: to a coordinator of this shop: one whose contact is recorded, or oneself."""
    at = change(ctx, args["claim_id"], "assign")
    assignee = args["assignee"]
    known = assignee in (None, ctx.principal.id) or ctx.get(Colleague, Colleague.id_for(ctx.tenant, assignee))
    if not known:
        raise NoSuchCoordinator(assignee=assignee)
    at.claim.assign(at.asking, assignee)
    return keep(ctx, at)


def set_awaiting(ctx: Context, args: dict[str, Any]) -> View:
    """CLM-23."""
    at = change(ctx, args["claim_id"], "set_awaiting")
    at.claim.set_awaiting(at.asking, args["party"])
    return keep(ctx, at)
