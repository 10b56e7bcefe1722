"""Importing orders from files: ours, Mirakl's and Shopify's; what is bad is told, what is good is kept."""

from __future__ import annotations

import shutil

import orjson
import pytest

from services.importing.importer import Import, Stopped
from services.importing.mapping import Options
from tests.importing.conftest import FILES
from tests.suite import agent, order_args


def lines(*orders):
    return b"".join(orjson.dumps(order) + b"\n" for order in orders)


def test_good_orders_are_kept_and_bad_lines_are_told_with_number_and_field(desk):
    path = desk.file(
        "orders.jsonl",
        lines(
            order_args("1"),
            order_args("2", total=1),
            order_args("3", currency="XXQ"),
            order_args("4", lines=[{**order_args("4")["lines"][0], "quantity": 1.5}]),
        )
        + b"{broken\n\n[]\n"
        + lines(order_args("5"), order_args("1")),
    )
    code, said = desk.run(path)
    assert (code, desk.numbers()) == (2, ["1", "5"])
    assert "2 orders placed, 1 were there already, 5 bad" in said
    found = [(each["line"], each["number"], each["field"], each["code"]) for each in desk.faults(path)]
    assert found == [
        (2, "2", "", "TOTAL_DOES_NOT_ADD_UP"),
        (3, "3", "currency", "INVALID_INPUT"),
        (4, "4", "lines.0.quantity", "INVALID_INPUT"),
        (5, None, "", "UNREADABLE"),
        (7, None, "", "UNREADABLE"),
    ]


@pytest.fixture
def listing(desk):
    """A desk whose marketplace lists its tax codes."""
    desk.suite.do("marketplace.configure", agent(), marketplace="main", tax_codes=["FR_VAT_20"])
    return desk


def taxed(number, *codes):
    order = order_args(number)
    line = {**order["lines"][0], "taxes": [{"code": code, "rate": "20"} for code in codes]}
    return {**order, "lines": [line, *order["lines"][1:]]}


@pytest.mark.capability("M3")
def test_a_tax_code_that_the_marketplace_does_not_list_is_told_with_number_and_field(listing):
    wrong_shipping = order_args("4", shipping=[{"gross": 490, "taxes": [{"code": "FR_VAT_02", "rate": "2.1"}]}])
    path = listing.file(
        "orders.jsonl",
        lines(order_args("1"), taxed("2", "FR_VAT_20", "FR_VAT_02"), taxed("3", "FR_VAT_20"), wrong_shipping),
    )
    code, said = listing.run(path)

    assert (code, listing.numbers()) == (2, ["1", "3"])
    assert "2 orders placed, 0 were there already, 2 bad" in said
    found = [(each["line"], each["number"], each["field"], each["code"]) for each in listing.faults(path)]
    assert found == [
        (2, "2", "lines.0.taxes.1.code", "UNKNOWN_TAX_CODE"),
        (4, "4", "shipping.0.taxes.0.code", "UNKNOWN_TAX_CODE"),
    ]
    assert "FR_VAT_02" in listing.faults(path)[0]["message"]


@pytest.mark.capability("M3")
def test_a_row_of_a_csv_with_such_a_tax_code_is_told_with_its_column(listing):
    head = (
        "number,marketplace,seller_id,customer_ref,customer_name,customer_email,currency,product_id,sku,title,quantity,"
        "unit_price,discount,tax_code,tax_rate,tax_amount,shipping,total\n"
    )
    one, two = (f"{n},main,sel_1,cus_1,Ada Byron,ada@customer.example,EUR," for n in "12")
    path = listing.file(
        "orders.csv",
        head
        + one
        + "prd_1,LAMP,Lamp,1,4500,0,FR_VAT_20,20,,0,4500\n"
        + two
        + "prd_1,LAMP,Lamp,1,4500,0,FR_VAT_20,20,,0,13000\n"
        + two
        + "prd_2,RUG,Rug,1,8500,0,FR_VAT_02,20,,0,13000\n",
    )

    assert (listing.run(path)[0], listing.numbers()) == (2, ["1"])
    found = [(each["line"], each["number"], each["field"], each["code"]) for each in listing.faults(path)]
    assert found == [(4, "2", "tax_code", "UNKNOWN_TAX_CODE")]


def test_orders_that_were_paid_elsewhere_are_paid_here_and_a_wrong_payment_is_told(desk):
    def paid(number, amount, currency="EUR"):
        money = {"amount": amount, "currency": currency}
        payment = {"payment_id": f"pay_{number}", "provider": "stripe", "provider_ref": f"pi_{number}", "amount": money}
        return order_args(number, payment=payment)

    path = desk.file("orders.jsonl", lines(paid("1", 17490), paid("2", 10000), paid("3", 0), paid("4", 17490, "USD")))
    assert desk.run(path)[0] == 2
    found = [(each["line"], each["field"], each["code"]) for each in desk.faults(path)]
    assert found == [(3, "payment.amount.amount", "INVALID_INPUT"), (4, "", "CURRENCY_MISMATCH")]
    assert [(desk.order(n)["phase"], desk.order(n)["captured"]["amount"]) for n in ("1", "2")] == [
        ("paid", 17490),
        ("awaiting_payment", 10000),
    ]
    told = [event.type for event in desk.suite.events("order") if event.data.get("number") == "1"]
    assert told == ["order.placed", "order.payment_captured", "order.paid", "order.public_state_changed"]
    assert desk.numbers() == ["1", "2"]


def test_importing_again_places_nothing_twice(desk):
    path = desk.file("orders.jsonl", lines(*(order_args(str(n)) for n in range(3))))
    assert desk.run(path)[0] == 0
    events = desk.suite.event_count()
    code, said = desk.run(path)
    assert (code, desk.suite.event_count()) == (0, events)
    assert "0 orders placed, 3 were there already, 0 bad" in said


def test_a_stopped_import_goes_on_where_it_was(desk, monkeypatch):
    path = desk.file("orders.jsonl", lines(*(order_args(str(n), total=1 if n == 1 else 17490) for n in range(20))))
    job = Import(desk.suite.apps["order"], path, "aftersale", Options("shop"), batch=4)
    sent = job._sent

    def crash(orders):
        if orders[0]["number"] == "8":
            raise Stopped("the database is away")
        return sent(orders)

    monkeypatch.setattr(job, "_sent", crash)
    with pytest.raises(Stopped):
        list(job.run())

    # the batch behind the one that failed was under way and is in: what was done is counted in the order of the file
    assert (job.progress.done, job.progress.placed) == (8, 7)
    assert desk.numbers() == sorted(str(n) for n in range(16) if n not in (1, 8, 9, 10, 11))
    again = Import(desk.suite.apps["order"], path, "aftersale", Options("shop"), batch=4)
    assert again.progress.done == 8
    (*_, last) = again.run()
    assert (last.done, last.placed, last.there, last.bad) == (20, 15, 4, 1)
    assert [fault["line"] for fault in desk.faults(path)] == [2]
    assert desk.numbers() == sorted(str(n) for n in range(20) if n != 1)
    assert not again.state.exists()


def test_a_csv_of_ours_has_one_row_a_line_and_names_the_row_that_is_wrong(desk):
    head = (
        "number,seller_id,customer_ref,customer_name,customer_email,currency,product_id,sku,title,quantity,unit_price,"
        "discount,tax_code,tax_rate,tax_amount,shipping,total\n"
    )
    one = "7,sel_1,cus_1,Ada Byron,ada@customer.example,EUR,"
    path = desk.file(
        "orders.csv",
        head
        + one
        + 'prd_1,LAMP,"Lamp,\nbrass",2,4500,0,VAT,20,,490,17990\n'
        + one
        + "prd_2,RUG,Rug,1,8500,0,VAT,20,1417,,\n"
        + one.replace("7", "8", 1)
        + "prd_1,LAMP,Lamp,1,4500,0,VAT,20,,0,4500\n"
        + one.replace("7", "8", 1)
        + "prd_2,RUG,Rug,-1,8500,0,VAT,20,,,\n"
        + "9,too,short\n",
    )
    code, _ = desk.run(path)
    assert (code, desk.numbers()) == (2, ["7"])
    order = desk.order("7")
    assert [(line["title"], line["gross"], line["taxes"][0]["amount"]) for line in order["lines"]] == [
        ("Lamp,\nbrass", 9000, 1500),
        ("Rug", 8500, 1417),
    ]
    assert order["total"]["amount"] == 17990
    found = [(each["line"], each["number"], each["field"]) for each in desk.faults(path)]
    assert found == [(6, "8", "quantity"), (7, None, "")]


def test_orders_as_mirakl_exports_them_keep_every_cent_and_tax(desk):
    path = desk.folder / "mirakl.jsonl"
    shutil.copy(FILES / "mirakl.jsonl", path)
    code, _ = desk.run(path, "--format", "mirakl-or11")
    assert code == 2

    paid = desk.order("Order_00010-A")
    assert (paid["phase"], paid["seller_id"], paid["marketplace"]) == ("paid", "2068", "FR")
    assert (paid["total"]["amount"], paid["captured"]["amount"]) == (6470, 6470)
    assert paid["lines"][0]["taxes"] == [{"code": "TVA20", "rate": "20", "amount": 997}]
    assert paid["shipments"][0]["taxes"] == [{"code": "TVA20", "rate": "20", "amount": 82}]

    net = desk.order("Order_00011-A")
    assert (net["phase"], net["total"]["amount"]) == ("awaiting_payment", 13200)
    assert (net["lines"][0]["gross"], net["lines"][0]["taxes"][0]["amount"]) == (12000, 2000)
    assert net["shipments"][0]["gross"] == 1200

    (fault,) = desk.faults(path)
    assert (fault["line"], fault["number"], fault["field"]) == (3, "Order_00012-A", "price")


def test_orders_as_shopify_exports_them_keep_every_cent_and_tax(desk):
    path = desk.folder / "shopify.csv"
    shutil.copy(FILES / "shopify.csv", path)
    code, _ = desk.run(path, "--format", "shopify", "--seller", "sel_1", "--locale", "fr")
    assert (code, desk.numbers()) == (2, ["1001", "1002"])

    included = desk.order("1001")
    assert (included["phase"], included["total"]["amount"]) == ("paid", 5490)
    assert [line["gross"] for line in included["lines"]] == [2273, 2727]
    taxes = [line["taxes"][0] for line in included["lines"]] + [included["shipments"][0]["taxes"][0]]
    assert sum(tax["amount"] for tax in taxes) == 915
    assert {(tax["code"], tax["rate"]) for tax in taxes} == {("FR_TVA_20", "20")}

    added = desk.order("1002")
    assert (added["phase"], added["total"]) == ("awaiting_payment", {"amount": 11875, "currency": "USD"})
    assert sum(tax["amount"] for tax in added["lines"][0]["taxes"] + added["shipments"][0]["taxes"]) == 875

    found = [(each["line"], each["number"], each["field"]) for each in desk.faults(path)]
    assert found == [(5, "#1003", "Email"), (7, "#1004", "Lineitem quantity")]


def test_no_address_becomes_an_id_that_events_carry(desk):
    path = desk.folder / "shopify.csv"
    shutil.copy(FILES / "shopify.csv", path)
    desk.run(path, "--format", "shopify", "--seller", "sel_1")
    for event in desk.suite.events("order"):
        if not event.type.startswith("contact."):
            assert b"shop.example" not in event.body


def test_a_file_for_nobody_is_refused_before_anything_happens(desk):
    path = desk.folder / "shopify.csv"
    shutil.copy(FILES / "shopify.csv", path)
    code, said = desk.run(path, "--format", "shopify")
    assert (code, desk.numbers(), desk.suite.event_count()) == (2, [], 0)
    assert "--seller" in said
