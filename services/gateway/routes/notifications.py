"""Who was told what, and how to reach whom."""

from __future__ import annotations

from services.gateway import views
from services.gateway.table import Route
from shared.contracts import notification as contract

ROUTES = (
    Route(
        "GET",
        "/v1/notifications",
        "List notifications, newest first",
        contract.NOTIFICATION_LIST,
        scope="notifications:read",
        view=views.listing(views.Notification),
        tag="notifications",
    ),
    Route(
        "POST",
        "/v1/notifications/{notification_id}:resend",
        "Send again what did not arrive, to the address that is known now",
        contract.NOTIFICATION_RESEND,
        scope="notifications:write",
        view=views.Notification(),
        tag="notifications",
    ),
    Route(
        "PUT",
        "/v1/contacts/{party}/{ref}",
        "Say how to reach a seller, a supplier or a colleague",
        contract.CONTACT_RECORD,
        scope="contacts:write",
        view=views.Contact(),
        tag="notifications",
    ),
)
