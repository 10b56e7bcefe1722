"""A counter where orders are paid through links, in the mailbox and the browser of the customer."""

from __future__ import annotations

from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from tests.gateway.conftest import Api
from tests.suite import agent, order_args, payment_args, seller

WEBHOOK_SECRET = "whsec_of_the_payment_tests"
LINK_SECRET = "the-secret-that-links-are-sealed-with"


class Counter:
    """Orders with something left to pay, the customer's mailbox, and a browser on the page of the link."""

    def __init__(self, api: Api, outside) -> None:
        self.api, self.suite, self.outside = api, api.suite, outside
        self.api.gateway.pay_patience = 0

    def order(self, number="1001", due=1990, **changes):
        """An order of 174.90 of which `due` was not paid."""
        order = self.suite.do("order.place", seller(), **order_args(number, **changes))
        paid = {"amount": order["total"]["amount"] - due, "currency": "EUR"}
        self.suite.do("order.capture_payment", agent(), **payment_args(order, amount=paid))
        self.suite.settle()
        return order

    def issue(self, order, who=None, **body):
        request = self.api.post(f"/v1/orders/{order['id']}/payment-requests", who or seller(), body, status=201)
        self.suite.settle()
        return request

    def mailed(self, contains="/pay/"):
        folder = mail_folder(self.suite.settings)
        mails = [read_mail(folder, each.name) for each in list_mails(folder)]
        return [mail for mail in mails if contains in mail.get_body(("plain",)).get_content()]

    def link(self):
        """The path in the customer's mail."""
        [mail] = self.mailed()
        text = mail.get_body(("plain",)).get_content()
        return "/pay/" + text.split("/pay/")[1].split()[0]

    def page(self, link, **kwargs):
        return self.api.call("GET", link, **kwargs)

    def press(self, link, button):
        return self.api.call("POST", link, data={"with": button})

    def pay(self, link, provider="stripe", method=""):
        """As a payer does: press, be sent to the provider, pay there. Answers the provider's page."""
        self.press(link, provider)
        self.suite.settle()
        url = self.press(link, provider).headers["Location"]
        assert url.startswith(self.outside.provider_url)
        assert self.outside.pay(url, method) == 303
        return url

    def request(self, request):
        return self.api.get(f"/v1/payment-requests/{request['id']}", seller())

    def order_page(self, order):
        return self.api.get(f"/v1/orders/{order['id']}", seller())

    def told(self, type):
        return [event.data for event in self.suite.events("order", type)]
