"""Every route of the API, one file per noun. The last line is the whole of it."""

from __future__ import annotations

from services.gateway.routes import (
    access,
    claims,
    clock,
    composing,
    desk,
    docs,
    drafts,
    files,
    hooks,
    invoices,
    mails,
    notifications,
    orders,
    paying,
    refunds,
    reminders,
    returns,
    sellers,
    threads,
    withdrawals,
)
from services.gateway.table import Route

ROUTES: tuple[Route, ...] = (
    *orders.ROUTES,
    *claims.ROUTES,
    *desk.ROUTES,
    *returns.ROUTES,
    *withdrawals.ROUTES,
    *threads.ROUTES,
    *drafts.ROUTES,
    *mails.ROUTES,
    *composing.ROUTES,
    *access.ROUTES,
    *files.ROUTES,
    *refunds.ROUTES,
    *paying.ROUTES,
    *invoices.ROUTES,
    *notifications.ROUTES,
    *reminders.ROUTES,
    *hooks.ROUTES,
    *sellers.ROUTES,
    *clock.ROUTES,
    *docs.ROUTES,
)
