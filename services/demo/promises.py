"""The promises of the main path, each checked against what the suite and the outside world say at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from services.demo import sale
from services.demo.sale import decimal, euros

if TYPE_CHECKING:
    from services.demo.story import Story


class Promise(NamedTuple):
    """kept: is what was found what was promised? text: both, in words."""

    kept: bool
    text: str


def check(story: Story) -> list[Promise]:
    """Every promise; none is left out when another one is broken."""
    return [*_money(story), *_states(story), *_mails(story)]


def _money(story: Story) -> Iterator[Promise]:
    paid = [(euros(refund["amount"]), refund["key"]) for refund in story.outside.refunds(f"pi_{story.number}")]
    once = [(euros(sale.REFUND), story.refund["id"])]
    yield _equal("the provider paid once, by our id", paid, once)
    note = story.credit_note()
    yield _equal("the credit note has the same total", euros(note["total"]["amount"]), euros(sale.REFUND))
    taxes = {tax["code"]: euros(tax["amount"]) for tax in note["taxes"]}
    expected = {code: euros(amount) for code, amount in sale.TAXES.items()}
    yield _equal("its taxes are the order's, per rate", taxes, expected)
    envelope = story.api.get("seller", f"/v1/orders/{story.order['id']}/refund-envelope")
    found = {name: decimal(envelope[name]) for name in ("captured", "succeeded", "reserved", "available")}
    added_up = {"captured": sale.TOTAL, "succeeded": sale.REFUND, "reserved": 0, "available": sale.LEFT}
    expected = {name: decimal(amount) for name, amount in added_up.items()}
    yield _equal("the order adds up", found, expected)


def _states(story: Story) -> Iterator[Promise]:
    claim, order = story.claim_now(), story.order_now()
    yield _equal("the claim is resolved", claim["state"], "resolved")
    yield _equal("by the refund that was paid", claim["resolution"]["refund_id"], story.refund["id"])
    shown, settlement = order["display_status"]["code"], order["settlement"]
    yield _equal("the order shows no issue any more", (order["open_claims"], shown), (0, "delivered"))
    yield _equal("nothing holds the settlement", (settlement["state"], settlement["holds"]), ("open", []))


def _mails(story: Story) -> Iterator[Promise]:
    told, wanted = story.mails.told(), story.mails.expected
    text = "both were told by mail of what concerns them, once each"
    yield _equal(text, sorted(told.elements()), sorted(wanted.elements()), shown=f"{sum(wanted.values())} mails")
    received = story.mails.all_received()
    yield _equal("the mail server received as many, none twice", len(received), sum(wanted.values()))
    addresses = sorted({address for mail in received for address in mail["to"]})
    yield _equal("and nobody else was written to", addresses, sorted(story.mails.addresses.values()))


def _equal(text: str, found: object, expected: object, shown: str | None = None) -> Promise:
    if found == expected:
        return Promise(True, f"{text}: {shown or _plain(found)}")
    return Promise(False, f"{text}: expected {_plain(expected)}, found {_plain(found)}")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value) or "none"
    return str(value)
