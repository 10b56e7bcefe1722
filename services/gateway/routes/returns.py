"""Returns: announcing what comes back, its label, its reception unit by unit, and what is paid for it."""

from __future__ import annotations

from functools import partial

from services.gateway import desk_views, views
from services.gateway.table import Route
from shared.contracts import returns as contract

read = partial(Route, "GET", tag="returns", scope="claims:read")
write = partial(Route, tag="returns", scope="claims:write", view=desk_views.Return())
ONE = "/v1/returns/{return_id}"

ROUTES = (
    write(
        "POST",
        "/v1/claims/{claim_id}/returns",
        "Announce what comes back",
        contract.REQUEST,
        status=201,
        location="/v1/returns/{id}",
    ),
    read("/v1/returns", "List returns, newest change first", contract.LIST, view=views.listing(desk_views.Return)),
    read(ONE, "A return", contract.GET, view=desk_views.Return()),
    write("POST", f"{ONE}:approve", "Accept the return", contract.APPROVE),
    write("POST", f"{ONE}:decline", "Decline the return", contract.DECLINE),
    write("POST", f"{ONE}/label", "Attach the shipping label", contract.ATTACH_LABEL),
    write("POST", f"{ONE}:shipped", "Tell that the parcel left", contract.MARK_SHIPPED),
    write("POST", f"{ONE}:receive", "Count what arrived", contract.RECEIVE),
    write("POST", f"{ONE}:inspect", "Tell what is good and what goes back into stock", contract.INSPECT),
    write("POST", f"{ONE}:close", "Close the return and pay for what is good", contract.CLOSE),
    write("POST", f"{ONE}:cancel", "Nothing comes back after all", contract.CANCEL),
)
