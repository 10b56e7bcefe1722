"""The page of a payment link: what is asked, by whom, and one button per way to pay."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.wrappers import Response

from services.gateway.pages.words import FAILURES, LANGUAGES, WORDS
from shared.documents.words import BABEL_LOCALES
from shared.kernel.clock import moment
from shared.kernel.money import exponent

FOLDER = Path(__file__).parent
STATUSES = {"paid": 410, "expired": 410, "revoked": 410, "unknown": 404}


def language_of(environ: dict[str, Any], found: dict[str, Any] | None) -> str:
    """What the reader chose (`?lang=`), else the customer's own; of a link that is none, what the browser prefers."""
    for language in LANGUAGES:
        if f"lang={language}" in environ.get("QUERY_STRING", ""):
            return language
    wanted = found["locale"] if found else environ.get("HTTP_ACCEPT_LANGUAGE", "")
    return "fr" if wanted[:2].lower() == "fr" else "en"


def pay_page(
    found: dict[str, Any] | None, language: str, token: str, house: str, notice: str | None = None, done: bool = False
) -> Response:
    """200 while it can be paid, 410 when it is over (S4-08), 404 when there is no such link.

    house: whose shops these are. done: the payer comes back from the provider.
    """
    state = found["state"] if found else "unknown"
    facts = found or {}
    text = _template().render(
        w=WORDS[language],
        language=language,
        languages=LANGUAGES,
        state=state,
        token=token,
        shop=facts.get("shop") or house,
        style=_style(),
        reload=_reload(facts, done),
        done=done,
        amount=_amount(facts, language) if found else None,
        expires=_day(facts, language) if found else None,
        failure=_failure(facts, language),
        notice=notice and WORDS[language][notice],
        f=facts,
    )
    response = Response(text, STATUSES.get(state, 200), content_type="text/html; charset=utf-8")
    response.headers.update(_headers())
    return response


def _reload(facts: dict[str, Any], done: bool) -> int | None:
    """Seconds until the page looks again. Slowly where somebody may be about to press a button of it."""
    if facts.get("state") != "paying":
        return None
    return 3 if done or facts["closing"] or not facts["url"] else 20


def _failure(facts: dict[str, Any], language: str) -> str | None:
    code = facts.get("failure")
    return FAILURES[language].get(code, FAILURES[language]["other"]) if code else None


def _amount(facts: dict[str, Any], language: str) -> str:
    from babel.numbers import format_currency

    value = Decimal(facts["amount"]).scaleb(-exponent(facts["currency"]))
    return format_currency(value, facts["currency"], locale=BABEL_LOCALES[language])


def _day(facts: dict[str, Any], language: str) -> str:
    """The link's end, by the clock of its marketplace."""
    from babel.dates import format_datetime

    at: datetime = moment(facts["expires_at"]).astimezone(ZoneInfo(facts["time_zone"]))
    return format_datetime(at, "d MMMM yyyy, HH:mm", locale=BABEL_LOCALES[language])


@cache
def _style() -> str:
    return (FOLDER / "pay.css").read_text(encoding="utf-8")


@cache
def _headers() -> dict[str, str]:
    """No script, nothing from elsewhere, in nobody's frame, in no cache; the address is told to nobody."""
    style = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    # buttons lead to the provider by a redirect, which browsers check against form-action too
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self' https: http://127.0.0.1:* http://localhost:*"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
    }


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("pay.html")
