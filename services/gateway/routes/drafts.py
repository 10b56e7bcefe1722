"""Answers that are being written: kept for their author, and known to his colleagues (B15)."""

from __future__ import annotations

from functools import partial

from services.gateway import case_views, views
from services.gateway.table import Route
from shared.contracts import drafts as contract

route = partial(Route, tag="threads")
DRAFT = "/v1/threads/{thread_id}/draft"

ROUTES = (
    route("GET", DRAFT, "One's own draft", contract.GET, scope="threads:read", view=case_views.Draft()),
    route("PUT", DRAFT, "Keep a draft; empty: one reads along", contract.SAVE, "threads:write", case_views.Draft()),
    route("DELETE", DRAFT, "Throw the draft away", contract.DISCARD, "threads:write", case_views.Draft()),
    route(
        "POST",
        f"{DRAFT}:send",
        "Send the draft, unless others wrote meanwhile",
        contract.SEND,
        "threads:write",
        views.Message(),
        201,
    ),
    *(
        each
        for one in ("/v1/threads/{thread_id}", "/v1/claims/{claim_id}")
        for each in (
            route(
                "GET",
                f"{one}/present",
                "Which colleagues read or answer here now",
                contract.PRESENT,
                scope="threads:read",
                view=case_views.Present(),
            ),
            route(
                "PUT",
                f"{one}/present",
                "One has it open; which colleagues have",
                contract.ATTEND,
                "threads:write",
                case_views.Present(),
            ),
        )
    ),
)
