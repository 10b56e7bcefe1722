"""A document as one HTML page that prints well; the same page, without its buttons, becomes the PDF."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from shared.documents.paper import CREDIT_NOTE, Paper
from shared.documents.words import BABEL_LOCALES, language_of, words
from shared.kernel.money import exponent

TEMPLATES = Path(__file__).parent / "templates"
ACCENT = "#14664a"  # of the suite's mails, where a seller has no colour of its own


def page_of(paper: Paper, pdf_url: str | None = None) -> str:
    """The whole page. pdf_url: where its PDF is, for a reader at a screen; None for the press."""
    language = language_of(paper.locale)
    said = words(paper.locale)
    return _template().render(
        paper=paper,
        w=said,
        language=language,
        title=said[paper.kind],
        is_credit=paper.kind == CREDIT_NOTE,
        accent=paper.seller.get("color") or ACCENT,
        countries=_countries(language),
        pdf_url=pdf_url,
        money=_money(paper.currency, language),
        percent=_percent(language),
        day=_day(language),
    )


@cache
def _template() -> Any:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("document.html")


@cache
def _countries(language: str) -> Any:
    from babel import Locale

    return Locale.parse(BABEL_LOCALES[language]).territories


def _money(currency: str, language: str) -> Any:
    from babel.numbers import format_currency

    def shown(amount: int) -> str:
        return format_currency(Decimal(amount).scaleb(-exponent(currency)), currency, locale=BABEL_LOCALES[language])

    return shown


def _percent(language: str) -> Any:
    from babel.numbers import format_decimal

    def shown(rate: Decimal | None) -> str:
        if rate is None:
            return "–"
        return f"{format_decimal(rate, locale=BABEL_LOCALES[language])}\N{NO-BREAK SPACE}%"

    return shown


def _day(language: str) -> Any:
    from babel.dates import format_date

    return lambda iso: format_date(date.fromisoformat(iso), "long", locale=BABEL_LOCALES[language])
