"""What sellers and marketplaces do with orders, through HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from shared.kernel.principal import system
from shared.runtime.unit_of_work import Context, unit_of_work
from tests.gateway.test_journey import shipped_order
from tests.suite import PARCEL, agent, coordinator, customer, integrator, order_args, payment_args, seller

PROFILES = Path(__file__).parents[2] / "services" / "claim" / "profiles"


def paid_order(api, number="1001", **changes):
    order = api.post("/v1/orders", integrator(), order_args(number, **changes), status=201)
    payment = payment_args(order)
    api.post(f"/v1/orders/{payment.pop('order_id')}/payments", integrator(), payment)
    api.suite.settle()
    return order


def mails(api, to):
    """Oldest first."""
    folder = mail_folder(api.suite.settings)
    return [read_mail(folder, mail.name) for mail in reversed(list_mails(folder)) if to in mail.to]


def bodies(api, type):
    return [event.data for event in api.suite.events("order", type)]


# states


@pytest.mark.capability("S4-03", "S4-04", "S4-27")
def test_a_marketplace_brings_its_own_states_and_the_internal_one_stays_inside(api_of):
    api = api_of(mail="folder")
    states = {
        "public_states": [
            {"code": "new", "label": {"fr": "Nouvelle", "en": "New"}, "phase": "awaiting_payment", "by_hand": False},
            {"code": "paid", "label": {"fr": "Payée", "en": "Paid"}, "phase": "paid", "by_hand": False},
            {"code": "made", "label": {"fr": "En fabrication", "en": "Being made"}, "phases": ["paid", "preparing"]},
        ],
        "internal_states": [{"code": "check_address", "label": {"fr": "Adresse à vérifier", "en": "Check address"}}],
    }
    api.post("/v1/marketplaces/workshop", agent(), states, method="PUT")
    order = paid_order(api, marketplace="workshop")
    one = f"/v1/orders/{order['id']}"
    assert order["public_state"]["code"] == "new"
    assert api.get(one, customer())["public_state"] == {"code": "paid", "label": {"fr": "Payée", "en": "Paid"}}

    api.post(f"{one}/public-state", seller(), {"code": "made"}, method="PUT")
    api.suite.settle()
    assert api.get(one, customer())["public_state"]["label"]["fr"] == "En fabrication"
    told = len(mails(api, "ada@customer.example"))
    assert "Being made" in mails(api, "ada@customer.example")[-1].get_body(("plain",)).get_content()

    api.post(f"{one}/internal-state", coordinator(), {"code": "check_address"}, method="PUT")
    api.suite.settle()
    assert api.get(one, seller())["internal_state"]["label"]["en"] == "Check address"
    assert "check_address" not in json.dumps(api.get(one, customer()))
    assert len(mails(api, "ada@customer.example")) == told
    for code in ("awaiting_stock", "paid"):
        refused = {"body": {"code": code}}
        assert api.refused("PUT", f"{one}/public-state", seller(), "UNKNOWN_STATE", **refused)["rule"] == "ORD-11"


def test_lists_of_states_that_contradict_themselves_are_refused(api_of):
    api = api_of("order")
    state = {"code": "a", "label": {"fr": "A", "en": "A"}, "phase": "awaiting_payment"}
    twice = {"body": {"public_states": [state, {**state, "label": {"fr": "B", "en": "B"}}]}}
    problem = api.refused("PUT", "/v1/marketplaces/main", agent(), "BROKEN_STATES", **twice)
    assert "there twice" in problem["title"]
    assert "2 public states are bound to awaiting_payment" in problem["title"]
    assert api.get("/v1/marketplaces/main", seller())["version"] == 0


@pytest.mark.capability("S4-17")
def test_the_customer_is_mailed_at_each_change_of_the_state_that_he_sees_in_his_language(api_of):
    api = api_of(mail="folder", instant_provider=True)
    ada = {"ref": "cus_1", "name": "Ada Byron", "email": "ada@customer.example", "locale": "fr"}
    order = paid_order(api, customer=ada)
    one = f"/v1/orders/{order['id']}"

    def told(change):
        before = len(mails(api, "ada@customer.example"))
        change()
        api.suite.settle()
        return [mail.get_body(("plain",)).get_content() for mail in mails(api, "ada@customer.example")[before:]]

    hold = {"code": "awaiting_stock"}
    waiting = told(lambda: api.post(f"{one}/public-state", seller(), hold, method="PUT"))
    again = told(lambda: api.post(f"{one}/public-state", seller(), hold, method="PUT"))
    sent = told(lambda: api.post(f"{one}:ship", seller(), {"parcel": PARCEL}))
    arrived = told(lambda: api.post(f"{one}:deliver", seller()))

    assert [("En attente de stock" in text) for text in waiting] == [True]
    assert again == []
    assert len(sent) == 2, "the state, and the parcel's number"
    assert [text for text in sent if "En cours de livraison" in text]
    assert [("Livrée" in text) for text in arrived] == [True]


# what is left of an order


def test_a_partly_shipped_order_whose_rest_is_refused_is_shipped_and_goes_on(api_of):
    """docs/adr/0018."""
    api = api_of("order", "refund", instant_provider=True)
    order = paid_order(api)
    one, (lamp, rug) = f"/v1/orders/{order['id']}", (line["line_id"] for line in order["lines"])
    api.post(f"{one}:ship", seller(), {"parcel": PARCEL, "lines": [{"line_id": lamp, "quantity": 2}]})
    refuse = {"line_id": rug, "action": "refuse", "reason_code": "out_of_stock"}
    closed = api.post(f"{one}/lines:validate", seller(), {"lines": [refuse]})
    api.suite.settle()

    assert (closed["phase"], closed["public_state"]["code"]) == ("shipped", "delivery_in_progress")
    assert len(bodies(api, "order.shipped")) == 1
    assert [each["left_unshipped"] for each in bodies(api, "order.line_refused")] == [0]
    assert api.get(f"{one}/refund-envelope", seller())["succeeded"] == 8257
    assert api.post(f"{one}:deliver", seller())["phase"] == "delivered"


# stock


@pytest.mark.capability("S4-11", "S4-28", "I11")
def test_a_cancelled_order_gives_back_exactly_the_stock_that_was_not_given_back_before(api_of):
    api = api_of("order", "refund", instant_provider=True)
    order = paid_order(api)
    one, lamp = f"/v1/orders/{order['id']}", order["lines"][0]["line_id"]
    refuse = {"line_id": lamp, "action": "refuse", "quantity": 1, "reason_code": "out_of_stock"}
    api.post(f"{one}/lines:validate", seller(), {"lines": [refuse]})
    api.post(f"{one}:cancel", seller(), {"reason_code": "discontinued", "refund_instrument": "original"})
    released = bodies(api, "order.stock_released")
    assert [(each["line_id"], each["qty"]) for each in released] == [
        (lamp, 1),
        (lamp, 1),
        (order["lines"][1]["line_id"], 1),
    ]
    assert len({each["key"] for each in released}) == 3
    api.refused("POST", f"{one}:cancel", seller(), "NOT_IN_THIS_STATE", body={"reason_code": "again"})
    (cancelled,) = bodies(api, "order.cancelled")
    assert (cancelled["refund_instrument"], cancelled["captured"]["amount"]) == ("original", 17490)


@pytest.mark.capability("S4-12")
def test_stock_is_untouched_where_the_marketplace_does_not_manage_it(api_of):
    api = api_of("order", "refund", instant_provider=True)
    api.post("/v1/marketplaces/main", agent(), {"stock_managed": False}, method="PUT")
    order = paid_order(api)
    one = f"/v1/orders/{order['id']}"
    refuse = {"line_id": order["lines"][0]["line_id"], "action": "refuse", "quantity": 1, "reason_code": "none_left"}
    api.post(f"{one}/lines:validate", seller(), {"lines": [refuse]})
    api.post(f"{one}:cancel", seller(), {"reason_code": "discontinued"})
    assert bodies(api, "order.stock_released") == []


# many at once


@pytest.mark.capability("I17")
def test_orders_that_were_paid_elsewhere_come_in_bulk_with_their_payment_from_whom_may_book_one(api_of):
    api = api_of("order")
    money = {"amount": 17490, "currency": "EUR"}
    payment = {"payment_id": "pay_1", "provider": "stripe", "provider_ref": "pi_1", "amount": money}
    orders = [order_args("1", payment=payment), order_args("2"), order_args("3", payment={**payment, "amount": 1})]
    results = api.post("/v1/orders:bulk", seller(), {"orders": orders})["results"]
    assert [each["result"] for each in results] == ["FORBIDDEN", "PLACED", "INVALID_INPUT"]
    assert bodies(api, "order.payment_captured") == []
    results = api.post("/v1/orders:bulk", integrator(), {"orders": orders})["results"]
    assert [each["result"] for each in results] == ["PLACED", "ORDER_EXISTS", "INVALID_INPUT"]
    assert results[2]["fields"] == {"payment.amount": "Invalid input type."}
    assert api.get(f"/v1/orders/{results[0]['order_id']}", seller())["phase"] == "paid"
    assert [event["payment_id"] for event in bodies(api, "order.payment_captured")] == ["pay_1"]


# shipping


@pytest.mark.capability("S0-17", "S0-23", "I17")
def test_many_orders_are_decided_in_one_call_each_as_if_it_came_alone(api_of):
    api = api_of("order", "refund", instant_provider=True)
    first, second, third = (paid_order(api, str(number)) for number in (1, 2, 3))
    api.post(f"/v1/orders/{third['id']}:ship", seller(), {"parcel": PARCEL})
    decisions = [
        {
            "order_id": first["id"],
            "parcel": PARCEL,
            "lines": [
                {"line_id": "lin_1_1", "action": "ship", "quantity": 1},
                {"line_id": "lin_1_1", "action": "refuse", "quantity": 1, "reason_code": "out_of_stock"},
                {"line_id": "lin_1_2", "action": "accept"},
            ],
        },
        {"order_id": second["id"], "lines": [{"line_id": "lin_2_1", "action": "ship"}]},
        {"order_id": third["id"], "lines": [{"line_id": "lin_3_1", "action": "refuse", "reason_code": "late"}]},
        {"order_id": second["id"], "lines": [{"line_id": "lin_2_1", "action": "refuse"}]},
        {"order_id": "ord_unknown", "lines": [{"line_id": "x", "action": "accept"}]},
    ]
    results = api.post("/v1/orders:validate", seller(), {"orders": decisions})["results"]
    assert [each["result"] for each in results] == [
        "DONE",
        "PARCEL_NUMBER_MISSING",
        "NOT_IN_THIS_STATE",
        "INVALID_INPUT",
        "NOT_FOUND",
    ]
    assert results[3]["fields"] == {"lines.0.reason_code": "Say why with a reason_code."}
    lamp = api.get(f"/v1/orders/{first['id']}", seller())["lines"][0]
    assert (lamp["shipped"], lamp["cancelled"], lamp["unshipped"]) == (1, 1, 0)
    api.suite.settle()
    (refund,) = api.get(f"/v1/refunds?order_id={first['id']}", seller())["items"]
    assert (refund["kind"], refund["state"], refund["amount"]["amount"]) == ("pre_shipment", "succeeded", 4371)
    refuse = {"line_id": "lin_1_1", "action": "refuse", "reason_code": "late"}
    path = f"/v1/orders/{first['id']}/lines:validate"
    assert api.refused("POST", path, seller(), "LINE_ALREADY_SHIPPED", body={"lines": [refuse]})["rule"] == "E1"


@pytest.mark.capability("S4-18", "S4-19", "S4-20", "S4-21")
def test_each_parcel_number_is_mailed_by_itself_for_the_order_and_per_product(api_of):
    api = api_of("order", "notification", mail="folder")
    order = paid_order(api)
    one = f"/v1/orders/{order['id']}"
    lamp, rug = (line["line_id"] for line in order["lines"])
    first = {"parcel": PARCEL, "lines": [{"line_id": lamp, "quantity": 1}]}
    assert api.post(f"{one}:ship", seller(), first)["phase"] == "partially_shipped"
    api.post(f"{one}:ship", seller(), {"parcel": {**PARCEL, "tracking_number": "8L00000000002"}})
    parcels = api.get(one, customer())["parcels"]
    assert [(parcel["scope"], parcel["line_ids"]) for parcel in parcels] == [("lines", [lamp]), ("lines", [lamp, rug])]
    moved = {"carrier": "DHL", "tracking_number": "JD01"}
    api.post(f"{one}/tracking", seller(), {"parcel": moved, "line_ids": [rug]})
    api.post(f"{one}/tracking", seller(), {"parcel": {**moved, "tracking_number": "JD02"}})
    api.suite.settle()
    said = "".join(mail.get_body(("plain",)).get_content() for mail in mails(api, "ada@customer.example"))
    for number in ("8L00000000001", "8L00000000002", "JD01", "JD02"):
        assert number in said
    scopes = [each["scope"] for each in bodies(api, "order.tracking_updated")]
    assert scopes == ["lines", "order"]
    unknown = {"body": {"parcel": {**moved, "parcel_id": "par_unknown"}}}
    api.refused("POST", f"{one}/tracking", seller(), "NO_SUCH_PARCEL", **unknown)


def test_a_marketplace_may_ship_without_a_number_and_its_orders_complete_by_themselves(api_of):
    api = api_of("order", "notification", mail="folder")
    order = paid_order(api)
    one = f"/v1/orders/{order['id']}"
    api.refused("POST", f"{one}:ship", seller(), "PARCEL_NUMBER_MISSING", body={"parcel": {"carrier": "Own van"}})
    settings = {"parcel_number_required": False, "complete_after_days": 14}
    api.post("/v1/marketplaces/main", agent(), settings, method="PUT")
    api.post(f"{one}:ship", seller(), {"parcel": {"carrier": "Own van"}})
    api.post(f"{one}:deliver", seller())
    api.suite.advance(days=13)
    assert api.get(one, seller())["phase"] == "delivered"
    api.suite.advance(days=2)
    assert api.get(one, seller())["phase"] == "completed"
    said = "".join(mail.get_body(("plain",)).get_content() for mail in mails(api, "ada@customer.example"))
    assert "Own van" in said
    assert "None" not in said


# what is added


def test_an_added_line_leaves_only_when_it_is_paid_and_can_be_taken_back_before(api_of):
    api = api_of("order", "claim")
    order = paid_order(api)
    one = f"/v1/orders/{order['id']}"
    cup = {"line_id": "lin_cup", "product_id": "prd_cup", "sku": "CUP", "title": "Cup", "quantity": 1}
    line = {**cup, "unit_price": 1900}
    grown = api.post(f"{one}/lines", seller(), {"line": line, "currency": "EUR"}, status=201)
    assert (grown["total"]["amount"], grown["amount_due"]["amount"]) == (19390, 1900)
    (added,) = bodies(api, "order.line_added")
    assert (added["line"]["gross"], added["amount_due"]) == (1900, {"amount": 1900, "currency": "EUR"})
    wrong = {"body": {"line": {**line, "line_id": "lin_2"}, "currency": "USD"}}
    api.refused("POST", f"{one}/lines", seller(), "CURRENCY_MISMATCH", **wrong)
    accept = {"body": {"lines": [{"line_id": "lin_cup", "action": "accept"}]}}
    api.refused("POST", f"{one}/lines:validate", seller(), "LINE_NOT_PAID", **accept)

    assert api.post(f"{one}:ship", seller(), {"parcel": PARCEL})["phase"] == "shipped"
    rest = payment_args(order, payment_id="pay_cup", amount={"amount": 1900, "currency": "EUR"})
    rest.pop("order_id")
    api.post(f"{one}/payments", integrator(), rest)
    late = api.post(f"{one}:ship", seller(), {"parcel": PARCEL})
    assert (late["phase"], late["lines"][2]["shipped"], late["amount_due"]["amount"]) == ("shipped", 1, 0)

    api.post(f"{one}/lines", seller(), {"line": {**line, "line_id": "lin_more"}, "currency": "EUR"}, status=201)
    before = api.post(f"{one}/lines/lin_more", seller(), method="DELETE")
    assert (before["total"]["amount"], [line["line_id"] for line in before["lines"]][-1]) == (19390, "lin_cup")
    api.refused("DELETE", f"{one}/lines/lin_cup", seller(), "LINE_IS_PAID")


# settlement


@pytest.mark.joined_only("it holds an event back until it says so")
@pytest.mark.capability("S2-20", "I8", "R26")
def test_an_order_with_an_open_problem_is_not_paid_out_until_it_is_solved_and_completed(api):
    order = shipped_order(api)
    one = f"/v1/orders/{order['id']}"
    settle = {"body": {"payout_ref": "po_1"}}
    body = {"reason_code": "damaged_items", "text": "Broken."}
    claim = api.post(f"{one}/issues", customer(), body, status=201)
    # the order service has not heard of it yet: the claim service, which has, stops the pay-out
    api.post(f"{one}:complete", agent())
    api.post(f"{one}:settle", agent(), settle["body"])
    api.suite.settle()
    page = api.get(one, agent())
    assert (page["settlement"]["state"], page["settlement"]["paid_out"]["amount"]) == ("held", 0)
    api.refused("POST", f"{one}:settle", agent(), "OPEN_CLAIM", **settle)
    api.post(f"/v1/claims/{claim['id']}:withdraw", customer())
    api.suite.settle()
    api.post(f"{one}:settle", agent(), settle["body"])
    api.suite.settle()
    assert api.get(one, agent())["settlement"]["state"] == "settled"
    (settled,) = bodies(api, "settlement.settled")
    assert settled["amount"] == {"amount": 17490, "currency": "EUR"}


@pytest.mark.capability("N11")
def test_a_small_problem_holds_back_only_what_it_is_about(api):
    issue = json.loads((PROFILES / "issue.json").read_text(encoding="utf-8"))
    partly = {**issue, "version": issue["version"] + 1, "hold": "disputed"}
    api.post("/v1/claim-profiles", agent(), {"profile": partly})
    order = shipped_order(api)
    one = f"/v1/orders/{order['id']}"
    about = {"lines": [{"line_id": order["lines"][0]["line_id"], "qty": 1}]}
    body = {"reason_code": "damaged_items", "text": "One is broken.", **about}
    claim = api.post(f"{one}/issues", customer(), body, status=201)
    api.suite.settle()
    # one of two lamps at 87.43, with its share of 4.90 shipping
    held = 4371 + 126
    (placed,) = bodies(api, "settlement.hold_placed")
    assert (placed["mode"], placed["amount"]["amount"]) == ("disputed_amount", held)

    api.post(f"{one}:complete", agent())
    api.post(f"{one}:settle", agent(), {"payout_ref": "po_1"})
    api.suite.settle()
    settlement = api.get(one, agent())["settlement"]
    assert (settlement["state"], settlement["paid_out"]["amount"]) == ("held", 17490 - held)

    api.post(f"/v1/claims/{claim['id']}:withdraw", customer())
    api.suite.settle()
    api.post(f"{one}:settle", agent(), {"payout_ref": "po_2"})
    api.suite.settle()
    assert api.get(one, agent())["settlement"]["state"] == "settled"
    assert [each["amount"]["amount"] for each in bodies(api, "settlement.settled")] == [17490 - held, held]


def test_what_is_refunded_after_the_pay_out_comes_off_the_next_one(api_of):
    api = api_of(instant_provider=True)
    order = shipped_order(api)
    one = f"/v1/orders/{order['id']}"
    api.post(f"{one}:complete", agent())
    api.post(f"{one}:settle", agent(), {"payout_ref": "po_1"})
    api.suite.settle()
    gesture = {"kind": "commercial_gesture", "amount": {"amount": 500, "currency": "EUR"}, "reason_code": "goodwill"}
    api.post("/v1/refunds", seller(), {"order_id": order["id"], **gesture})
    api.suite.settle()
    (due,) = bodies(api, "settlement.clawback_due")
    assert due["amount"] == {"amount": 500, "currency": "EUR"}
    assert due["funding"] == [{"party": "seller", "id": "sel_1", "amount": 500}]


def test_what_was_refunded_before_the_pay_out_is_not_paid_out_and_not_clawed_back(api_of):
    api = api_of(instant_provider=True)
    order = shipped_order(api)
    one = f"/v1/orders/{order['id']}"
    line = {"line_id": order["lines"][1]["line_id"]}
    wish = {"order_id": order["id"], "kind": "post_shipment_lines", "lines": [line], "reason_code": "changed_mind"}
    api.post("/v1/refunds", seller(), wish)
    api.suite.settle()
    api.post(f"{one}:complete", agent())
    gesture = {"order_id": order["id"], "kind": "commercial_gesture", "reason_code": "goodwill"}
    shared = [{"party": "seller", "id": "sel_1", "amount": 300}, {"party": "platform", "id": "shop", "amount": 200}]
    api.post("/v1/refunds", agent(), {**gesture, "amount": {"amount": 500, "currency": "EUR"}, "funding": shared})
    api.suite.settle()
    told = [each["amount"]["amount"] for each in bodies(api, "settlement.releasable")]
    api.post(f"{one}:settle", agent(), {"payout_ref": "po_1"})
    api.suite.settle()
    (settled,) = bodies(api, "settlement.settled")
    early = bodies(api, "settlement.clawback_due")
    api.post("/v1/refunds", seller(), {**gesture, "amount": {"amount": 100, "currency": "EUR"}})
    api.suite.settle()

    assert told == [17490 - 8257, 17490 - 8257 - 300]
    assert settled["amount"]["amount"] == 17490 - 8257 - 300
    assert early == []
    assert [each["amount"]["amount"] for each in bodies(api, "settlement.clawback_due")] == [100]
    shown = api.get(one, agent())["settlement"]
    assert (shown["left"]["amount"], shown["clawed_back"]["amount"], shown["state"]) == (0, 100, "settled")


# what a product brings along


CARE = {
    "line_id": "lin_care",
    "product_id": "prd_care",
    "sku": "CARE",
    "title": "Business Care",
    "quantity": 1,
    "unit_price": 12000,
    "linked_line_id": "lin_module",
    "covers": {"product_id": "prd_module", "url": "https://Shop.Example:443/fr/", "days": 365},
}
MODULE = {
    "line_id": "lin_module",
    "product_id": "prd_module",
    "sku": "MODULE",
    "title": "Checkout module",
    "quantity": 1,
    "unit_price": 24000,
}


def supported_order(api):
    order = paid_order(api, profile="support", lines=[MODULE, CARE], discount=0, shipping=[], total=36000)
    api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    api.suite.settle()
    return order


@pytest.mark.capability("S3-01")
def test_support_is_for_who_has_a_subscription_to_the_product_on_this_very_address(api_of):
    api = api_of(instant_provider=True)
    order = supported_order(api)
    (subscription,) = api.get("/v1/entitlements", customer())["items"]
    assert (subscription["url"], subscription["state"]) == ("shop.example/fr", "active")
    reasons = {item["code"]: item for item in api.get("/v1/claim-profiles", customer())["items"]}["support"]["reasons"]
    ask = {"reason_code": reasons[0]["code"], "text": "It does not start."}
    path = f"/v1/orders/{order['id']}/issues"
    api.refused("POST", path, customer(), "URL_REQUIRED", body=ask)
    for url in ("shop.example", "other.example/fr", "www.shop.example/fr", "not a url"):
        code = "URL_REQUIRED" if " " in url else "ENTITLEMENT_REQUIRED"
        assert api.refused("POST", path, customer(), code, body={**ask, "url": url})["rule"] == "S3-01"
    api.post(path, customer(), {**ask, "url": "HTTP://shop.example/fr/"}, status=201)

    api.suite.advance(days=366)
    assert api.get("/v1/entitlements", customer())["items"][0]["state"] == "expired"
    api.refused("POST", path, customer(), "ENTITLEMENT_REQUIRED", body={**ask, "url": "shop.example/fr"})


def test_a_subscription_is_suspended_while_its_product_is_paid_back_and_ends_with_it(suite_of):
    suite = suite_of("order")
    args = order_args(lines=[MODULE, CARE], discount=0, shipping=[], total=36000)
    order = suite.do("order.place", integrator(), **args)
    suite.do("order.capture_payment", integrator(), **payment_args(order))

    def hear(type, refund_id, kind="post_shipment_lines", amount=24000):
        app = suite.apps["order"]
        line = {"line_id": "lin_module", "amount": amount, "taxes": []}
        data = {"refund_id": refund_id, "order_id": order["id"], "kind": kind, "lines": [line], "funding": []}
        event = SimpleNamespace(type=type, data=data)
        with unit_of_work(app.storage, app.database, suite.clock.now()) as work:
            context = Context(work, system("shop"), "test")
            reaction = app.contents.reactions[type]
            getattr(reaction, "handler", reaction)(context, event)
            work.merge(context.step)
        return suite.do("entitlement.list", customer())["items"][0]["state"]

    assert hear("refund.requested", "rfd_0", amount=100) == "active"
    assert hear("refund.requested", "rfd_1", "commercial_gesture", 1000) == "active"
    assert hear("refund.cancelled", "rfd_1") == "active"
    assert hear("refund.requested", "rfd_2", amount=23900) == "suspended"
    assert hear("refund.failed", "rfd_2") == "active"
    assert hear("refund.requested", "rfd_3", amount=23900) == "suspended"
    assert hear("refund.succeeded", "rfd_3", amount=23900) == "suspended"
    assert hear("refund.succeeded", "rfd_0", amount=100) == "terminated"
    facts = [event.type for event in suite.events("order") if event.type.startswith("entitlement.")]
    assert facts == [
        f"entitlement.{fact}" for fact in ("activated", *("suspended", "resumed"), "suspended", "terminated")
    ]


FILTER = {
    "line_id": "lin_filter",
    "product_id": "prd_filter",
    "sku": "FILTER",
    "title": "Filter cartridge",
    "quantity": 60,
    "unit_price": 100,
    "wear": {"units_per_day": "2", "offer_code": "AGAIN10"},
}


def filters(api, number="1001"):
    line = {**FILTER, "line_id": f"lin_filter_{number}"}
    order = paid_order(api, number, lines=[line], discount=0, shipping=[], total=6000)
    api.post(f"/v1/orders/{order['id']}:ship", seller(), {"parcel": PARCEL})
    return order


@pytest.mark.capability("S4-25", "S4-26")
def test_a_customer_is_reminded_a_few_days_before_with_an_offer_and_may_stop_it_by_the_link(api_of):
    api = api_of("order", "notification", mail="folder")
    first = filters(api)
    api.post(f"/v1/orders/{first['id']}:deliver", seller())
    api.suite.advance(days=22, hours=23)
    subject = "Soon used up: Filter cartridge"
    assert not [mail for mail in mails(api, "ada@customer.example") if mail["Subject"] == subject]
    api.suite.advance(hours=2)
    (mail,) = [mail for mail in mails(api, "ada@customer.example") if mail["Subject"] == subject]
    text = mail.get_body(("plain",)).get_content()
    assert "AGAIN10" in text
    assert (api.suite.clock.now() + timedelta(days=7)).strftime("%-d %B %Y") in text

    link = next(word for word in text.split() if "/reminders/" in word).removeprefix(api.suite.settings.public_url)
    filters(api, "1002")
    api.suite.advance(days=4)  # nobody told of a delivery: three days after shipping it counts as arrived
    assert api.call("GET", link).status_code == 200
    assert not bodies(api, "lifecycle.opted_out"), "what opens links by itself must stop nothing"
    assert "not valid" in api.call("POST", link[:-3] + "000").text
    assert "Vous ne recevrez plus" in api.call("POST", link, headers={"Accept-Language": "fr-FR"}).text
    api.suite.advance(days=60)
    assert len([mail for mail in mails(api, "ada@customer.example") if mail["Subject"] == subject]) == 1
    assert [each["reason"] for each in bodies(api, "lifecycle.cancelled")] == ["opted_out"]


@pytest.mark.capability("S4-29")
def test_what_was_refunded_or_bought_again_is_not_reminded_of(api_of):
    api = api_of("order", "refund", "notification", instant_provider=True, mail="folder")
    first = filters(api)
    api.post(f"/v1/orders/{first['id']}:deliver", seller())
    api.suite.settle()
    second = filters(api, "1002")
    api.post(f"/v1/orders/{second['id']}:deliver", seller())
    api.suite.settle()
    whole = {"kind": "post_shipment_order", "reason_code": "damaged_items"}
    api.post("/v1/refunds", agent(), {"order_id": second["id"], **whole}, status=201)
    api.suite.settle()
    (refund,) = api.get("/v1/refunds", agent())["items"]
    assert refund["state"] == "succeeded", refund
    api.suite.advance(days=60)
    assert [each["reason"] for each in bodies(api, "lifecycle.cancelled")] == ["bought_again", "refunded"]
    assert not [mail for mail in mails(api, "ada@customer.example") if "used up" in mail["Subject"]]
