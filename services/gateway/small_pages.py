"""Pages of one sentence and one button, for people who come from a mail."""

from __future__ import annotations

from werkzeug.wrappers import Response

from services.gateway.answers import SAFE
from services.gateway.inquiry import Inquiry

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
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


def small_page(inquiry: Inquiry, title: str, body: str) -> Response:
    """body: HTML that is ours; whatever is not must be escaped by who calls."""
    text = LAYOUT.format(language=language_of(inquiry), title=title, body=body)
    headers = {**SAFE, "Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
    return Response(text, 200, headers, content_type="text/html; charset=utf-8")
