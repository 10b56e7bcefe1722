"""S3-01: support is for those who have a subscription that is valid for the product and the URL."""

from __future__ import annotations

from typing import Any

from services.claim.model import Complaint, OrderCase
from services.claim.model.refusals import EntitlementRequired, UrlRequired
from services.claim.model.subscription import Subscription
from services.claim.policies import Profile
from services.claim.storage import subscriptions
from shared.kernel.clock import moment
from shared.kernel.web_address import NotAnAddress, normalised
from shared.runtime.unit_of_work import Context


def keep_subscription(ctx: Context, event: Any) -> None:
    """The order service announces them; here is what is needed to let somebody in."""
    told = event.data
    known = ctx.get(Subscription, told["entitlement_id"])
    ctx.save(
        Subscription(
            id=told["entitlement_id"],
            tenant=ctx.tenant,
            version=known.version if known else 0,
            seq=known.seq if known else 0,
            customer_ref=told["customer_ref"],
            product_id=told["product_id"],
            url=told["url"],
            state=event.type.removeprefix("entitlement."),
            ends_at=moment(told["ends_at"]),
        )
    )


def must_be_entitled(ctx: Context, profile: Profile, case: OrderCase, complaint: Complaint, url: str | None) -> None:
    """CLM-01, where the profile asks for it: an active subscription for every product named, on this very URL.

    Nothing named: any product of the order. Raises UrlRequired, EntitlementRequired.
    """
    if not profile.requires_entitlement:
        return
    try:
        place = normalised(url or "")
    except NotAnAddress:
        raise UrlRequired() from None
    by_line = {line["line_id"]: line["product_id"] for line in case.lines}
    named = {by_line[line["line_id"]] for line in complaint.lines if line["line_id"] in by_line}
    mine = (subscriptions.c.customer_ref == case.customer_ref, subscriptions.c.url == place)
    valid = {each.product_id for each in ctx.find(Subscription, *mine) if each.valid(ctx.now)}
    if not (named <= valid if named else valid & set(by_line.values())):
        raise EntitlementRequired(url=place, products=sorted(named or by_line.values()))
