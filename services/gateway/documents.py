"""Papers from what the services answer: an invoice is one answer, a credit note takes names from the order service."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from werkzeug.wrappers import Response

from services.gateway.answers import problem_response
from services.gateway.inquiry import Inquiry
from shared.contracts import invoicing, refund
from shared.documents.paper import CREDIT_NOTE, INVOICE, Paper, Part
from shared.documents.words import words
from shared.kernel.errors import Refusal

DESIGN = "1"  # +1 whenever a document looks different, so that readers' copies are made anew


class SellerUnknown(Refusal):
    """A document names who sells: give legal name, address and VAT number with PUT /v1/sellers/{seller_id}/identity."""

    code = "SELLER_IDENTITY_MISSING"
    status = 409


def invoice_paper(gateway: Any, inquiry: Inquiry) -> Paper | Response:
    """The paper, or the refusal as a response."""
    answer = gateway.clients.call("order", inquiry.call(invoicing.GET.name))
    if not answer.ok:
        return problem_response(answer.body, inquiry.correlation)
    found = answer.body
    said = words(found["locale"])
    return Paper(
        kind=INVOICE,
        number=found["number"],
        issued_on=found["issued_on"],
        ordered_on=found["ordered_on"],
        order_number=found["order_number"],
        locale=found["locale"],
        currency=found["total"]["currency"],
        seller=_whole(found["seller"]),
        buyer=_whole(found["buyer"]),
        lines=[Part(one["title"], one["gross"], one["taxes"], one["quantity"], one["sku"]) for one in found["lines"]],
        charges=[Part(said["shipping"], one["gross"], one["taxes"]) for one in found["charges"]],
        paid=found["paid"]["amount"],
    )


def credit_note_paper(gateway: Any, inquiry: Inquiry) -> Paper | Response:
    """The paper, or the refusal as a response. Raises SellerUnknown."""
    answer = gateway.clients.call("refund", inquiry.call(refund.GET_CREDIT_NOTE.name))
    if not answer.ok:
        return problem_response(answer.body, inquiry.correlation)
    note = answer.body
    asked = inquiry.call(invoicing.PARTIES.name, {"order_id": note["order_id"]})
    answer = gateway.clients.call("order", asked)
    if not answer.ok:
        return problem_response(answer.body, inquiry.correlation)
    parties = answer.body
    if not parties["seller"]:
        raise SellerUnknown(seller_id=note["seller_id"])
    said = words(parties["locale"])
    lines = [_credited(line, parties["lines"], said) for line in note["lines"]]
    charges = [Part(said["shipping"], one["amount"], one["taxes"]) for one in note["shipping"]]
    lines += _unexplained(note["total"]["amount"] - sum(part.gross for part in [*lines, *charges]), said)
    return Paper(
        kind=CREDIT_NOTE,
        number=note["number"],
        issued_on=note["issued_at"][:10],
        ordered_on=None,
        order_number=parties["order_number"],
        locale=parties["locale"],
        currency=note["total"]["currency"],
        seller=_whole(parties["seller"]),
        buyer=_whole(parties["buyer"]),
        # EN 16931 wants at least one line: shipping alone is one
        lines=lines or charges,
        charges=charges if lines else [],
        paid=0,
        invoice_number=note["invoice_number"],
    )


def _credited(line: dict[str, Any], known: dict[str, Any], said: dict[str, str]) -> Part:
    """Units by their number; an amount that is not so many units is said to be a part."""
    product = known.get(line["line_id"], {"title": line["line_id"], "sku": None})
    units = line.get("qty")
    title = product["title"] if units else said["partial"].format(title=product["title"])
    return Part(title, line["amount"], line["taxes"], units or 1, product["sku"])


def _unexplained(rest: int, said: dict[str, str]) -> list[Part]:
    """Money that came in beyond the order's price and went back."""
    return [Part(said["overpaid"], rest, [])] if rest > 0 else []


NAMES = ("name", "legal_name", "trade_name", "legal_form", "registration", "vat_number", "vat_exemption", "company",
         "address", "email", "phone", "legal_note", "color")  # fmt: skip


def _whole(party: dict[str, Any]) -> dict[str, Any]:
    """Every name that a template asks for, None where nothing is known."""
    return {name: party.get(name) for name in NAMES}


def etag_of(paper: Paper) -> str:
    raw = orjson.dumps([DESIGN, paper.data()])
    return hashlib.blake2b(raw, digest_size=10).hexdigest()
