"""Invoices and credit notes: as data, as a page to print, as PDF/A-3 with Factur-X; who sells and who is billed."""

from __future__ import annotations

import time
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Response

from services.gateway import views
from services.gateway.answers import problem_response, unless_known
from services.gateway.documents import credit_note_paper, etag_of, invoice_paper
from services.gateway.inquiry import Inquiry
from services.gateway.pages import views as papers
from services.gateway.problems import NoSuchRoute
from services.gateway.table import Route
from shared.contracts import invoicing as contract
from shared.contracts import refund
from shared.documents.page import page_of
from shared.documents.paper import Paper
from shared.documents.tickets import opened
from shared.kernel.principal import Principal

# A page of ours to read and print: its own style and nothing else.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def as_page(make: Any, gateway: Any, inquiry: Inquiry) -> Response:
    """The document as HTML."""
    paper = make(gateway, inquiry)
    if isinstance(paper, Response):
        return paper
    return _page(paper, inquiry, inquiry.environ["PATH_INFO"].removesuffix(".html") + ".pdf")


def as_pdf(make: Any, gateway: Any, inquiry: Inquiry) -> Response:
    """The document as PDF; not made again for a reader who has it."""
    paper = make(gateway, inquiry)
    return paper if isinstance(paper, Response) else _pdf(paper, gateway, inquiry)


def _page(paper: Paper, inquiry: Inquiry, pdf_url: str) -> Response:
    response = Response(page_of(paper, pdf_url), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return _private(response, paper, inquiry)


def _pdf(paper: Paper, gateway: Any, inquiry: Inquiry) -> Response:
    known = _private(Response(status=200, content_type="application/pdf"), paper, inquiry)
    if known.status_code == 304:
        return known
    response = Response(gateway.printer.pdf(paper), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{paper.number}.pdf"'
    return _private(response, paper, inquiry)


def _private(response: Response, paper: Paper, inquiry: Inquiry) -> Response:
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization, X-Api-Key"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.set_etag(etag_of(paper))
    return unless_known(response, inquiry.environ)


def by_ticket(gateway: Any, inquiry: Inquiry) -> Response:
    """A document from a mail: the ticket says which, for whom, and until when. 404 for every ticket that is none."""
    gateway.rates.admit_address(inquiry.environ)
    asked = parse_qs(inquiry.environ.get("QUERY_STRING", ""), max_num_fields=4)
    sealed = asked.get("ticket", [""])[0]
    ticket = opened(sealed, gateway.settings.link_secret, time.time())
    if ticket is None:
        raise NoSuchRoute()
    inquiry.principal = Principal("customer", "document-link", ticket.tenant, ticket.customer_ref, via="link")
    inquiry.args = {f"{ticket.kind}_id": ticket.id}
    paper = (invoice_paper if ticket.kind == "invoice" else credit_note_paper)(gateway, inquiry)
    if isinstance(paper, Response):
        return problem_response(NoSuchRoute().problem(), inquiry.correlation)
    if asked.get("as") == ["pdf"]:
        return _pdf(paper, gateway, inquiry)
    return _page(paper, inquiry, f"/documents?ticket={sealed}&as=pdf")


read = partial(Route, "GET", tag="invoices", scope="orders:read")
write = partial(Route, tag="invoices", scope="orders:write")
ORDER, INVOICE, SELLER = "/v1/orders/{order_id}", "/v1/invoices/{invoice_id}", "/v1/sellers/{seller_id}/identity"
CREDIT_NOTE = "/v1/credit-notes/{credit_note_id}"
note = partial(Route, "GET", tag="invoices", scope="refunds:read")

ROUTES = (
    write("PUT", SELLER, "Say who sells, as invoices must name it", contract.SET_IDENTITY, view=papers.Identity()),
    read(SELLER, "Who sells", contract.GET_IDENTITY, view=papers.Identity()),
    write("PUT", f"{ORDER}/billing", "Say whom the invoice is made out to", contract.SET_BILLING,
          view=papers.Billing()),
    write("POST", f"{ORDER}/invoice", "Turn the order into an invoice", contract.MAKE, view=papers.Invoice(),
          status=201, location="/v1/invoices/{id}"),
    read("/v1/invoices", "List invoices, newest first", contract.LIST, view=views.listing(papers.InvoiceRow)),
    read(INVOICE, "An invoice as data", contract.GET, view=papers.Invoice()),
    read(f"{INVOICE}.html", "An invoice as a page to print", contract.GET, answer=partial(as_page, invoice_paper)),
    read(f"{INVOICE}.pdf", "An invoice as PDF/A-3 with Factur-X", contract.GET,
         answer=partial(as_pdf, invoice_paper)),
    note(f"{CREDIT_NOTE}.html", "A credit note as a page to print", refund.GET_CREDIT_NOTE,
         answer=partial(as_page, credit_note_paper)),
    note(f"{CREDIT_NOTE}.pdf", "A credit note as PDF/A-3 with Factur-X", refund.GET_CREDIT_NOTE,
         answer=partial(as_pdf, credit_note_paper)),
    Route("GET", "/documents", "A document from a mail, opened by its ticket", answer=by_ticket, tag="invoices"),
)  # fmt: skip
