"""Payment links and invoices on real processes, a real broker and a provider that is a process of its own."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests

from tests.documents import SELLER
from tests.integration.live import eventually

pytestmark = pytest.mark.servers


def the_link(shop):
    text = shop.mail("ada", "/pay/")["text"]
    return next(word for word in text.split() if "/pay/" in word)


@pytest.mark.capability("S4-05", "S4-06", "S4-07", "S4-08", "R25")
@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_the_rest_of_an_order_is_paid_once_through_the_link_in_the_mail(shop, provider):
    order = shop.order(pay=False, ship=False)
    shop.pay(order, 15500)
    request = shop.seller.post(f"/v1/orders/{order['id']}/payment-requests", {"purpose": "linen shade"})
    assert request["amount"] == {"amount": 1990, "currency": "EUR"}
    link = the_link(shop)
    assert requests.get(link, timeout=10).status_code == 200

    sent = requests.post(link, data={"with": provider}, allow_redirects=False, timeout=10)
    assert sent.status_code == 303
    # by whatever name this machine goes there
    assert urlsplit(sent.headers["Location"]).port == urlsplit(shop.live.simulator.provider_url).port
    assert shop.live.simulator.pay(sent.headers["Location"]) == 303

    shop.order_shows(order, lambda page: page["captured"]["amount"] == 17490 and page["phase"] == "paid")
    assert requests.get(link, timeout=10).status_code == 410
    assert requests.post(link, data={"with": provider}, timeout=10).status_code == 410


@pytest.mark.capability("S4-22", "S4-24")
def test_a_shipped_order_is_invoiced_and_its_customer_is_sent_the_invoice(shop):
    shop.seller.put("/v1/sellers/sel_lamps/identity", SELLER)
    order = shop.order()
    invoice = shop.seller.post(f"/v1/orders/{order['id']}/invoice")
    mail = shop.mail("ada", invoice["number"])
    link = next(word for word in mail["text"].split() if "/documents?ticket=" in word)
    page = requests.get(link, timeout=10)
    assert page.status_code == 200
    assert invoice["number"] in page.text
    [found] = shop.customer.get("/v1/invoices")["items"]
    assert found["id"] == invoice["id"]
    eventually(lambda: shop.customer.send("GET", found["page_url"]).status_code == 200)
