"""Refunds: asking what could be given back, asking for it, deciding, following; credit notes."""

from __future__ import annotations

from functools import partial

from services.gateway import views
from services.gateway.table import Route
from shared.contracts import refund as contract

read = partial(Route, "GET", tag="refunds", scope="refunds:read")
write = partial(Route, "POST", tag="refunds", scope="refunds:write", view=views.Refund())
ONE = "/v1/refunds/{refund_id}"

ROUTES = (
    Route(
        "POST",
        "/v1/refunds:quote",
        "What a refund would be, to the cent, reserving nothing",
        contract.QUOTE,
        scope="refunds:read",
        view=views.Quote(),
        tag="refunds",
    ),
    write("/v1/refunds", "Request a refund", contract.REQUEST, status=201, location="/v1/refunds/{id}"),
    read("/v1/refunds", "List refunds, newest change first", contract.LIST, view=views.listing(views.Refund)),
    read(ONE, "A refund", contract.GET, view=views.Refund()),
    write(f"{ONE}:approve", "Approve, as a second person", contract.APPROVE),
    write(f"{ONE}:reject", "Reject", contract.REJECT),
    write(f"{ONE}:cancel", "Cancel, as long as no provider was called", contract.CANCEL),
    write(f"{ONE}:execute", "Pay it out", contract.EXECUTE),
    write(f"{ONE}:retry", "Ask again for a failed refund, as a new one", contract.RETRY, status=201),
    read("/v1/credit-notes/{credit_note_id}", "A credit note", contract.GET_CREDIT_NOTE, view=views.CreditNote()),
)
