"""A case across services: its history, as the caller may know it (issue: timeline and audit)."""

from __future__ import annotations

from typing import Any

from services.gateway.compose import parts, warning_of
from services.gateway.inquiry import Inquiry
from shared.contracts import timeline as contract
from shared.contracts.registry import Operation
from shared.kernel.calls import Answer


def case_timeline(gateway: Any, inquiry: Inquiry) -> Answer:
    """What every service remembers of the claim, oldest first. Without the claim's own part there is no page."""
    claim_id = inquiry.args["claim_id"]
    first = gateway.clients.call("claim", inquiry.call(contract.OF_CLAIM.name, {"claim_id": claim_id}))
    if not first.ok:
        return first
    order_id = first.body["order_id"]
    of_case = {"claim_id": claim_id, "order_id": order_id}
    wanted: dict[str, tuple[Operation, dict[str, Any]]] = {
        "messages": (contract.OF_THREAD, of_case),
        "refunds": (contract.OF_REFUNDS, of_case),
    }
    if order_id:
        wanted["order"] = (contract.OF_ORDER, {"order_id": order_id})
    if inquiry.principal.is_staff:
        wanted["notifications"] = (contract.OF_NOTIFICATIONS, of_case)
    found = parts(gateway, inquiry, {part: (operation.name, args) for part, (operation, args) in wanted.items()})
    items, warnings = list(first.body["items"]), []
    for part, answer in found.items():
        if answer is not None and answer.ok:
            items += answer.body["items"]
        elif answer is not None and answer.status == 404:
            continue  # of what one may not see there is no word
        elif warning := warning_of(part, wanted[part][0].name, answer):
            warnings.append(warning)
            gateway.metrics.part_missing(part)
    # ids sort by time within a process; the clock orders services
    items.sort(key=lambda item: (item["at"], item["id"]))
    return Answer(200, {"claim_id": claim_id, "items": items, "warnings": warnings})
