"""Conversations: threads, their messages, and a first message to the customer of an order."""

from __future__ import annotations

from functools import partial

from services.gateway import views
from services.gateway.compose import close_threads
from services.gateway.table import Route
from shared.contracts import messaging as contract

read = partial(Route, "GET", tag="threads", scope="threads:read")
write = partial(Route, tag="threads", scope="threads:write", view=views.Message())

ROUTES = (
    read("/v1/threads", "List threads, newest first", contract.THREAD_LIST, view=views.listing(views.Thread)),
    read("/v1/threads/{thread_id}", "A thread", contract.THREAD_GET, view=views.Thread()),
    read(
        "/v1/threads/{thread_id}/messages",
        "The messages that the caller may read, oldest first",
        contract.THREAD_MESSAGES,
        view=views.listing(views.Message),
    ),
    write("POST", "/v1/threads/{thread_id}/messages", "Write a message", contract.MESSAGE_POST, status=201),
    write(
        "POST",
        "/v1/orders/{order_id}/messages",
        "Write to the customer of an order, with no claim needed",
        contract.THREAD_OPEN,
        view=views.OpenedThread(),
        status=201,
        location="/v1/threads/{id}",
    ),
    write(
        "POST",
        "/v1/threads:close",
        "Close many threads, each by itself",
        contract.THREAD_CLOSE,
        view=views.Results(),
        answer=close_threads,
    ),
    write("PATCH", "/v1/messages/{message_id}", "Make a message public or private", contract.MESSAGE_SET_VISIBILITY),
    write("POST", "/v1/messages/{message_id}:undo", "Take back what was just sent", contract.MESSAGE_UNDO),
    write("POST", "/v1/messages/{message_id}:edit", "Correct the text of a message", contract.MESSAGE_EDIT),
    write("POST", "/v1/messages/{message_id}:redact", "Remove text and files for good", contract.MESSAGE_REDACT),
    read(
        "/v1/messages/{message_id}/disclosures",
        "Who received a message, how and when",
        contract.DISCLOSURE_LIST,
        view=views.Disclosures(),
    ),
    write("POST", "/v1/messages/{message_id}:handled", "Mark a message as handled", contract.MESSAGE_MARK_HANDLED),
)
