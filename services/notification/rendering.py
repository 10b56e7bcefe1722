"""From facts to a mail's subject, text and HTML. Each mail is written once; two layouts make its two forms.

Money and dates are formatted by Babel in the reader's locale. A name that a template uses and nobody gave is an error.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import format_currency, format_decimal
from css_inline import CSSInliner
from jinja2 import FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from shared.contracts.mail import MARKERS
from shared.kernel.money import exponent

TEMPLATES = Path(__file__).parent / "templates"
BABEL_LOCALES = {"fr": "fr_FR", "en": "en_GB"}
FALLBACK = "en"
SUBJECT_LENGTH = 150  # longer ones are cut by mail programs anyway
WIDTH = 76  # of the text part, below the 78 that RFC 5322 recommends

FOOTERS = {
    "fr": "Ce message vous a été envoyé automatiquement par {brand}. Merci de ne pas y répondre.",
    "en": "This message was sent to you automatically by {brand}. Please do not reply to it.",
}
ANSWERABLE = {
    "fr": "Vous pouvez répondre à ce message : votre réponse rejoint la conversation, votre adresse n'est montrée à "
    "personne.",
    "en": "You can reply to this message: your answer joins the conversation, your address is shown to nobody.",
}
COLONS = {"fr": "\N{NO-BREAK SPACE}:", "en": ":"}

# Whitespace and control characters; the no-break spaces of amounts and of French punctuation stay.
_BLANKS = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(template: str, locale: str, brand: str, facts: dict[str, Any], answerable: bool = False) -> Rendered:
    """Write the mail `template` for a reader of `locale`, English where we have no such language.

    answerable: a reply to it is read, down to the marker in its first line.

    Raises jinja2.UndefinedError when `facts` lack something.
    """
    language = locale.split("_")[0] if locale.split("_")[0] in BABEL_LOCALES else FALLBACK
    footer = ANSWERABLE[language] if answerable else FOOTERS[language].format(brand=brand)
    marker = MARKERS[language] if answerable else ""
    known = {"locale": language, "brand": brand, "footer": footer, "marker": marker, **facts}
    subject = _subject(template, language, known)
    known["subject"] = subject
    text = _environment(False).get_template(f"{language}/{template}.html").render(_for(False, language, known))
    html = _environment(True).get_template(f"{language}/{template}.html").render(_for(True, language, known))
    return Rendered(subject, _tidy(text), _inliner().inline(html))


def _subject(template: str, language: str, known: dict[str, Any]) -> str:
    """One line, whatever a title contains: a line break in it would start a header of its own (T30)."""
    found = _environment(False).get_template(f"{language}/{template}.html")
    context = found.new_context(_for(False, language, known))
    line = squeeze("".join(found.blocks["subject"](context)))
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1].rstrip() + "…"


def _for(html: bool, language: str, known: dict[str, Any]) -> dict[str, Any]:
    kind = "html" if html else "txt"
    return {**known, "layout": f"layout.{kind}", "ui": _parts(html, language)}


@cache
def _parts(html: bool, language: str) -> Any:
    kind = "html" if html else "txt"
    return _environment(html).get_template(f"parts.{kind}").make_module({"colon": COLONS[language]})


@cache
def _environment(html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "money": money,
        "day": day,
        "moment": moment,
        "squeeze": squeeze,
        "fill": fill,
        "quoted": quoted,
        "bill": bill,
        "case_facts": case_facts,
        "tax_rows": tax_rows,
    }
    return environment


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


def _tidy(text: str) -> str:
    """At most one empty line in a row, none at the ends."""
    lines = "\n".join(line.rstrip() if line != "-- " else line for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


# filters


@pass_context
def money(context: Context, amount: int, currency: str) -> str:
    """`17490` of EUR → `174,90 €`."""
    value = Decimal(amount).scaleb(-exponent(currency))
    return format_currency(value, currency, locale=BABEL_LOCALES[context["locale"]])


@pass_context
def day(context: Context, at: datetime) -> str:
    """`2 November 2026`, in the time zone that the facts name, the marketplace's."""
    local = at.astimezone(get_timezone(context["time_zone"]))
    return format_date(local.date(), "long", locale=BABEL_LOCALES[context["locale"]])


@pass_context
def moment(context: Context, at: str) -> str:
    """`9 Nov 2026, 10:50`, in the time zone that the facts name, the marketplace's."""
    zone, locale = get_timezone(context["time_zone"]), BABEL_LOCALES[context["locale"]]
    return format_datetime(datetime.fromisoformat(at), "d MMM y, HH:mm", tzinfo=zone, locale=locale)


def squeeze(value: str) -> str:
    """One line: every run of blanks and control characters becomes one space."""
    line = _BLANKS.sub(" ", value).strip()
    return Markup(line) if isinstance(value, Markup) else line


def fill(value: str) -> str:
    return textwrap.fill(squeeze(value), WIDTH, break_long_words=False, break_on_hyphens=False)


def quoted(value: str) -> str:
    """Somebody's words, so marked in the text part that they cannot pose as ours."""
    lines = []
    for paragraph in value.strip().splitlines():
        lines += textwrap.wrap(squeeze(paragraph), WIDTH - 2, break_on_hyphens=False) or [""]
    return "\n".join(f"> {line}".rstrip() for line in lines)


@pass_context
def bill(context: Context, order: Any, shipping_label: str) -> list[tuple[str, str]]:
    """The lines of an order with what they cost, and its shipping when there is any."""
    rows = [(f"{line['qty']} × {line['title']}", money(context, line["gross"], order.currency)) for line in order.lines]
    if order.shipping:
        rows.append((shipping_label, money(context, order.shipping, order.currency)))
    return rows


@pass_context
def case_facts(context: Context, claim: Any, number: str, subject: str, order: str) -> list[tuple[str, str]]:
    """What a mail about a claim says at its end. The order is left out while its number is not known here."""
    rows = [(number, claim.number), (subject, claim.title)]
    known = context.resolve("order")
    return rows if known is None or isinstance(known, Undefined) else [*rows, (order, known.number)]


@pass_context
def tax_rows(context: Context, taxes: list[dict[str, Any]], label: str) -> list[tuple[str, str]]:
    """Taxes of a credit note: rate as a decimal string, amount in minor units of the total's currency."""
    locale, currency = BABEL_LOCALES[context["locale"]], context["total"]["currency"]
    return [
        (f"{label} {format_decimal(Decimal(t['rate']), locale=locale)} %", money(context, t["amount"], currency))
        for t in taxes
    ]
