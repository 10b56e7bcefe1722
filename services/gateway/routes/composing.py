"""What helps to write: answer templates and signatures."""

from __future__ import annotations

from functools import partial
from typing import Any

from services.gateway import views
from services.gateway.compose import parts
from services.gateway.inquiry import Inquiry
from services.gateway.table import Route
from shared.contracts import composing as contract
from shared.contracts.fields import Id, Strict
from shared.kernel.calls import Answer

read = partial(Route, "GET", tag="composing", scope="threads:read")
write = partial(Route, tag="composing", scope="threads:write", view=views.Template())


class DraftOnThread(Strict):
    thread_id = Id(required=True)
    template_id = Id(required=True)


def draft(gateway: Any, inquiry: Inquiry) -> Answer:
    """The template with what is known of this thread's order and claim. What the caller may not see stays empty."""
    thread = gateway.clients.call("messaging", inquiry.call("thread.get", {"thread_id": inquiry.args["thread_id"]}))
    if not thread.ok:
        return thread
    values = _values(gateway, inquiry, thread.body)
    fill = {"template_id": inquiry.args["template_id"], "values": values}
    return gateway.clients.call("messaging", inquiry.call("template.get", fill))


def _values(gateway: Any, inquiry: Inquiry, thread: dict[str, Any]) -> dict[str, str]:
    wanted: dict[str, tuple[str, dict[str, Any]]] = {}
    if thread["order_id"]:
        wanted["order"] = ("order.get", {"order_id": thread["order_id"]})
    if thread["claim_id"]:
        wanted["claim"] = ("claim.get", {"claim_id": thread["claim_id"]})
    found = parts(gateway, inquiry, wanted)
    order, claim = (answer.body if (answer := found.get(part)) and answer.ok else {} for part in ("order", "claim"))
    values = {
        "author_name": inquiry.principal.name,
        "customer_name": order.get("customer_name"),
        "order_number": order.get("number"),
        "products": ", ".join(line["title"] for line in order.get("lines", ())),
        "claim_number": claim.get("number"),
        "claim_title": claim.get("title"),
    }
    return {name: str(value)[:500] for name, value in values.items() if value}


ROUTES = (
    read("/v1/templates", "Answer templates", contract.TEMPLATE_LIST, view=views.listing(views.Template)),
    write("PUT", "/v1/templates", "Save an answer template", contract.TEMPLATE_SAVE),
    write("DELETE", "/v1/templates/{template_id}", "Remove a template", contract.TEMPLATE_REMOVE),
    read(
        "/v1/threads/{thread_id}/templates/{template_id}",
        "A draft from a template, for this thread",
        contract.TEMPLATE_GET,
        schema=DraftOnThread(),
        view=views.FilledTemplate(),
        answer=draft,
    ),
    read("/v1/signatures", "The caller's signatures", contract.SIGNATURE_GET, view=views.Signatures()),
    write("PUT", "/v1/signatures", "Save a signature", contract.SIGNATURE_SAVE, view=views.Signature()),
)
