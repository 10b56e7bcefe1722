"""Asking a customer for access to his shop, and his answer."""

from __future__ import annotations

from functools import partial

from services.gateway import views
from services.gateway.table import Route
from shared.contracts import access as contract

write = partial(Route, "POST", tag="access", scope="threads:write", view=views.AccessRequest())
OF_THREAD, ONE = "/v1/threads/{thread_id}/access-requests", "/v1/access-requests/{request_id}"

ROUTES = (
    write(OF_THREAD, "Ask the customer for access", contract.ACCESS_REQUEST, status=201),
    Route(
        "GET",
        OF_THREAD,
        "Requests for access on a thread",
        contract.ACCESS_LIST,
        scope="threads:read",
        view=views.listing(views.AccessRequest),
        tag="access",
    ),
    write(f"{ONE}:grant", "The customer agrees", contract.ACCESS_GRANT),
    write(f"{ONE}:decline", "The customer refuses", contract.ACCESS_DECLINE),
    write(f"{ONE}:revoke", "It is no longer wanted or needed", contract.ACCESS_REVOKE),
)
