"""Pages of one sentence and one button, for people who come from a mail."""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from services.gateway.answers import SAFE
from services.gateway.inquiry import Inquiry
from services.gateway.problems import ServiceBusy, ServiceUnavailable
from shared.kernel.calls import Answer, Call

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
LATER = {
    "fr": "Ce n'est pas possible à l'instant. Essayez encore dans un moment.",
    "en": "That is not possible just now. Try again in a moment.",
}
LAYOUT = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><style>
body {{ margin: 0; background: #f1f3f2; color: #22302b; font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }}
main {{ max-width: 520px; margin: 12vh auto 0; padding: 28px 36px 34px; background: #fff; border: 1px solid #e0e5e2;
  border-radius: 10px; }}
h1 {{ font-size: 24px; line-height: 1.25; margin: 0 0 14px; }}
button {{ font: inherit; font-weight: 600; color: #fff; background: #14664a; border: 0; border-radius: 6px;
  padding: 11px 22px; cursor: pointer; }}
button:focus-visible {{ outline: 3px solid #7fc4a8; }} code {{ font-size: 17px; overflow-wrap: anywhere; }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""


def language_of(inquiry: Inquiry) -> str:
    """French or English, as the reader's browser asks."""
    return "fr" if inquiry.environ.get("HTTP_ACCEPT_LANGUAGE", "").lower().startswith("fr") else "en"


def button(text: str) -> str:
    """Sends the page's own address."""
    return f'<form method="post"><button>{text}</button></form>'


def pressed(gateway: Any, service: str, call: Call) -> Answer | None:
    """What the service answers to who pressed the button; None when it cannot just now: that decides nothing."""
    try:
        answer: Answer = gateway.clients.call(service, call)
    except (ServiceUnavailable, ServiceBusy):
        return None
    return None if answer.status >= 500 else answer


def not_now(inquiry: Inquiry, title: str, again: str) -> Response:
    """The page of a service that does not answer. again: the button's text."""
    return small_page(inquiry, title, f"<p>{LATER[language_of(inquiry)]}</p>{button(again)}", 503)


def small_page(inquiry: Inquiry, title: str, body: str, status: int = 200) -> Response:
    """body: HTML that is ours; whatever is not must be escaped by who calls."""
    text = LAYOUT.format(language=language_of(inquiry), title=title, body=body)
    headers = {**SAFE, "Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
    return Response(text, status, headers, content_type="text/html; charset=utf-8")
