"""A claim's page as its customer or seller would see it: for staff, before they write to somebody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marshmallow import fields, validate

from services.gateway.case_file import eyes
from services.gateway.compose import claim_page
from services.gateway.inquiry import Inquiry
from shared.contracts.claim import OneClaim
from shared.contracts.timeline import CASE_FILE
from shared.kernel.calls import Answer
from shared.kernel.errors import Forbidden, InvalidInput

SEEN_BY = ("customer", "seller")


class SeenClaim(OneClaim):
    """as_seen_by: staff only; the page is asked for with that party's own eyes."""

    as_seen_by = fields.String(validate=validate.OneOf(SEEN_BY))


def seen_claim(gateway: Any, inquiry: Inquiry) -> Answer:
    """The claim's page, as the caller or as the party that `as_seen_by` names sees it."""
    party = inquiry.args.pop("as_seen_by", None)
    if party is None:
        return claim_page(gateway, inquiry)
    if party not in SEEN_BY:
        raise InvalidInput(fields={"as_seen_by": [f"Must be one of: {', '.join(SEEN_BY)}."]})
    if not inquiry.principal.is_staff:
        raise Forbidden(action="claim.preview")
    asked = {"claim_id": inquiry.args["claim_id"], "audience": party}
    case = gateway.clients.call("claim", inquiry.call(CASE_FILE.name, asked))
    if not case.ok:
        return case
    return claim_page(gateway, replace(inquiry, principal=eyes(party, case.body, inquiry.principal.tenant)))
