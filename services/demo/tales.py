"""The demo's past: tales of eleven orders, three weeks, one week and two days old, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

from services.demo.cast import CAMILLE, HARRY, INES, JAMES, LEA, MARC, OLIVER, REACHED, SHOP, SOFIA, Person
from services.demo.loading import Step, Tale

OpenPayment = Callable[..., Any]
"""Opens a captured payment at the provider: (currency, amount, id=)."""

VAT20, VAT55 = [{"code": "FR_VAT_20", "rate": "20"}], [{"code": "FR_VAT_5_5", "rate": "5.5"}]
UK20 = [{"code": "UK_VAT_20", "rate": "20"}]
LAMP = {"product_id": "prd_lamp", "sku": "LAMPE-LAITON", "title": "Lampe de bureau en laiton", "unit_price": 8900}
CARAFE = {"product_id": "prd_carafe", "sku": "CARAFE-75", "title": "Carafe soufflée 75 cl", "unit_price": 3450}
GLASS = {"product_id": "prd_glass", "sku": "VERRE-6", "title": "Coffret de six verres", "unit_price": 4200}
TEA = {"product_id": "prd_tea", "sku": "THE-100", "title": "Thé vert bio, 100 g", "unit_price": 1290}
THROW = {"product_id": "prd_throw", "sku": "THROW-GR", "title": "Lambswool throw, grey", "unit_price": 6500}
RUG = {"product_id": "prd_rug", "sku": "RUG-140", "title": "Flatweave rug 140 × 200", "unit_price": 18900}
CUSHION = {"product_id": "prd_cushion", "sku": "CUSHION-45", "title": "Linen cushion 45 × 45", "unit_price": 2900}
GLASSWORKS = {"supplier_id": MARC.party}


def days(number: float) -> timedelta:
    return timedelta(days=number)


class Sale:
    """One order, told step by step; `open_payment` makes the customer's payment at the provider."""

    def __init__(self, number: str, buyer: Person, by: Person, open_payment: OpenPayment, profile: str = "issue"):
        self.number, self.buyer, self.by, self.profile = number, buyer, by, profile
        self.currency, self.taxes = ("EUR", VAT20) if by is LEA else ("GBP", UK20)
        self.open_payment = open_payment
        self.order: dict[str, Any] = {}

    def placed(
        self, ago: timedelta, *lines: tuple[dict[str, Any], int], discount: int = 0, shipping: int = 690
    ) -> Tale:
        """Placed, and paid ten minutes later."""
        full = [self._line(place, *line) for place, line in enumerate(lines, 1)]
        total = sum(line["unit_price"] * line["quantity"] for line in full) - discount + shipping
        args = {
            "order_id": f"ord_{self.number}",
            "number": self.number,
            "marketplace": "maison",
            "profile": self.profile,
            "seller_id": self.by.party,
            "customer": self.buyer.as_customer,
            "currency": self.currency,
            "lines": full,
            "discount": discount,
            "shipping": [{"gross": shipping, "taxes": self.taxes}],
            "total": total,
        }
        self.order = yield Step(ago, SHOP.principal, "order.place", args)
        reference = f"pi_{self.number}"
        self.open_payment(self.currency.lower(), total, id=reference)
        payment = {"payment_id": f"pay_{self.number}", "provider": "stripe", "provider_ref": reference}
        payment["amount"] = self.order["total"]
        yield self._step(ago - timedelta(minutes=10), SHOP, "order.capture_payment", **payment)

    def _line(self, place: int, product: dict[str, Any], quantity: int) -> dict[str, Any]:
        taxes = VAT55 if product is TEA else self.taxes
        return {"line_id": self.line(place), "quantity": quantity, "taxes": taxes, **product}

    def line(self, place: int) -> str:
        return f"lin_{self.number}_{place}"

    def shipped(self, ago: timedelta, carrier: str = "Colissimo", lines: list[dict[str, Any]] | None = None) -> Tale:
        parcel = {"carrier": carrier, "tracking_number": f"8L{self.number.replace('-', '')}0042"}
        yield self._step(ago, self.by, "order.ship", parcel=parcel, **({"lines": lines} if lines else {}))

    def delivered(self, ago: timedelta) -> Tale:
        yield self._step(ago, SHOP, "order.deliver")

    def completed(self, ago: timedelta) -> Tale:
        yield self._step(ago, SOFIA, "order.complete")

    def _step(self, ago: timedelta, who: Person, operation: str, **args: Any) -> Step:
        return Step(ago, who.principal, operation, {"order_id": self.order["id"], **args})

    def claimed(
        self, ago: timedelta, reason: str, text: str, *places: int
    ) -> Generator[Step, dict[str, Any], str]:
        """The buyer opens a claim on these lines (the whole order without any); its id is what this returns."""
        lines = [{"line_id": self.line(place)} for place in places]
        claim = yield self._step(ago, self.buyer, "claim.open", reason_code=reason, text=text, lines=lines)
        return claim["id"]


def of_claim(ago: timedelta, who: Person, operation: str, claim_id: str, **args: Any) -> Step:
    return Step(ago, who.principal, operation, {"claim_id": claim_id, **args})


def tales(open_payment: OpenPayment) -> list[Tale]:
    """All of them. The contacts come first: nobody can be told before it is known how."""
    told = (
        refunded_lamp,
        settled_sale,
        damaged_throws,
        broken_carafe,
        wrong_invoice,
        late_parcel_with_a_gesture,
        proposal_that_waits,
        refused_complaint,
        question_before_shipment,
        parcel_on_its_way,
        line_out_of_stock,
    )
    return [people(), *[tale(open_payment) for tale in told]]


def people() -> Tale:
    for person in REACHED:
        yield Step(days(22), SOFIA.principal, "contact.record", person.contact)


# three weeks ago


def refunded_lamp(open_payment: OpenPayment) -> Tale:
    """A damaged lamp: reported, refunded through the provider, credited, confirmed."""
    sale = Sale("M-1001", CAMILLE, LEA, open_payment)
    yield from sale.placed(days(21), (LAMP, 2), (TEA, 3), discount=1000)
    yield from sale.shipped(days(20))
    yield from sale.delivered(days(18))
    text = "Bonjour, le pied d'une des deux lampes est tordu, le carton était enfoncé."
    claim = yield from sale.claimed(days(17), "damaged_items", text, 1)
    answer = "Bonjour Camille, je suis désolée. Gardez la lampe, nous vous la remboursons aujourd'hui."
    yield of_claim(days(16.8), LEA, "message.post", claim, text=answer)
    refund = {"lines": [{"line_id": sale.line(1), "qty": 1}]}
    yield of_claim(days(16.7), LEA, "claim.choose_resolution", claim, kind="refund", refund=refund)
    yield of_claim(days(15.5), CAMILLE, "claim.confirm", claim)


def settled_sale(open_payment: OpenPayment) -> Tale:
    """Nothing went wrong: delivered, completed, and the seller is paid out."""
    sale = Sale("M-1002", OLIVER, HARRY, open_payment)
    yield from sale.placed(days(20.5), (RUG, 1), (CUSHION, 2))
    yield from sale.shipped(days(19), "Royal Mail")
    yield from sale.delivered(days(16))
    yield from sale.completed(days(9))
    yield Step(days(8), SOFIA.principal, "order.settle", {"order_id": sale.order["id"], "payout_ref": "po_2041"})


# a week ago


def damaged_throws(open_payment: OpenPayment) -> Tale:
    """An issue that waits for the seller: the order shows it and its settlement is held."""
    sale = Sale("M-1003", OLIVER, HARRY, open_payment)
    yield from sale.placed(days(7), (THROW, 2), (CUSHION, 1), shipping=490)
    yield from sale.shipped(days(6), "Royal Mail")
    yield from sale.delivered(days(4))
    text = "Hello, both throws arrived with pulled threads along one edge. The cushion is lovely."
    claim = yield from sale.claimed(days(3), "damaged_items", text, 1)
    yield of_claim(days(2.8), INES, "claim.assign", claim, assignee=JAMES.id)


def broken_carafe(open_payment: OpenPayment) -> Tale:
    """The same for the seller whose token is printed: hers to decide."""
    sale = Sale("M-1011", CAMILLE, LEA, open_payment)
    yield from sale.placed(days(6.8), (CARAFE | GLASSWORKS, 3), (TEA, 2), discount=450)
    yield from sale.shipped(days(5.5))
    yield from sale.delivered(days(3.8))
    text = "Bonjour, une des trois carafes est arrivée en morceaux. Les deux autres sont intactes."
    yield from sale.claimed(days(1.5), "damaged_items", text, 1)


def wrong_invoice(open_payment: OpenPayment) -> Tale:
    """An issue that the platform handles: the brand sees it and cannot decide it."""
    sale = Sale("M-1004", CAMILLE, HARRY, open_payment)
    yield from sale.placed(days(7.2), (RUG, 1))
    yield from sale.shipped(days(6), "DHL")
    yield from sale.delivered(days(3))
    text = "Bonjour, la facture porte une ancienne adresse de ma société, pouvez-vous la corriger ?"
    claim = yield from sale.claimed(days(2.5), "incorrect_invoice", text)
    answer = "Bonjour Camille, nous la faisons corriger et revenons vers vous demain."
    yield of_claim(days(2.2), SOFIA, "message.post", claim, text=answer)


def late_parcel_with_a_gesture(open_payment: OpenPayment) -> Tale:
    """A discussion with a private aside to the supplier, and a gesture of 7.00 at its end."""
    sale = Sale("M-1005", OLIVER, LEA, open_payment, profile="discussion")
    yield from sale.placed(days(7.4), (CARAFE | GLASSWORKS, 1), (GLASS | GLASSWORKS, 1))
    yield from sale.shipped(days(4), "Chronopost")
    text = "The parcel was promised for Tuesday and is still in the depot. Is there anything you can do?"
    claim = yield from sale.claimed(days(3.6), "not_delivered", text)
    added = {"kind": "supplier", "id": MARC.party}
    yield of_claim(days(3.5), INES, "claim.add_observer", claim, **added)
    aside = "Marc, le colis est-il parti lundi comme prévu ?"
    asked = {"type": "supplier", "id": MARC.party}
    yield of_claim(days(3.4), LEA, "message.post", claim, text=aside, visibility="private", asks=asked)
    reply = "Parti mardi seulement, désolé : le four était en panne."
    yield of_claim(days(3.2), MARC, "message.post", claim, text=reply)
    answer = "Dear Oliver, it left a day late and is on its way now. Please accept 7.00 off for the wait."
    yield of_claim(days(3), LEA, "message.post", claim, text=answer, visibility="public")
    gesture = {"amount": {"amount": 700, "currency": "EUR"}}
    yield of_claim(days(2.9), LEA, "claim.choose_resolution", claim, kind="gesture", refund=gesture)


def proposal_that_waits(open_payment: OpenPayment) -> Tale:
    """The seller proposed a solution; the customer has to say yes or no."""
    sale = Sale("M-1006", CAMILLE, LEA, open_payment)
    yield from sale.placed(days(6.9), (GLASS | GLASSWORKS, 2), discount=500)
    yield from sale.shipped(days(6))
    yield from sale.delivered(days(4.5))
    text = "Il manque un verre dans l'un des coffrets."
    claim = yield from sale.claimed(days(4), "missing_items", text, 1)
    offer = "Nous vous envoyons le verre manquant avec une carafe offerte. Cela vous convient-il ?"
    yield of_claim(days(3.1), LEA, "claim.propose", claim, text=offer)


def refused_complaint(open_payment: OpenPayment) -> Tale:
    """The platform refused: nothing is held any more, and the customer may appeal for two weeks."""
    sale = Sale("M-1007", OLIVER, LEA, open_payment)
    yield from sale.placed(days(7.1), (LAMP, 1))
    yield from sale.shipped(days(6.5))
    yield from sale.delivered(days(5))
    claim = yield from sale.claimed(days(4.2), "other", "The brass looks darker than in the pictures.")
    answer = "Brass darkens with time; the product page shows both. We cannot take it back for that."
    yield of_claim(days(3.3), SOFIA, "message.post", claim, text=answer)
    yield of_claim(days(3.2), SOFIA, "claim.refuse", claim, reason_code="as_described")


# two days ago


def question_before_shipment(open_payment: OpenPayment) -> Tale:
    """A paid order that has not left, and a question to its seller."""
    sale = Sale("M-1008", CAMILLE, LEA, open_payment, profile="discussion")
    yield from sale.placed(days(2), (CARAFE | GLASSWORKS, 2), (TEA, 1))
    text = "Bonjour, une livraison samedi matin est-elle possible ? C'est pour un anniversaire."
    yield from sale.claimed(days(0.5), "question", text)


def parcel_on_its_way(open_payment: OpenPayment) -> Tale:
    sale = Sale("M-1009", OLIVER, HARRY, open_payment)
    yield from sale.placed(days(2.1), (CUSHION, 4), discount=600)
    yield from sale.shipped(days(0.9), "Royal Mail")


def line_out_of_stock(open_payment: OpenPayment) -> Tale:
    """One line is refused before shipment: exactly its money goes back, without anybody asking."""
    sale = Sale("M-1010", CAMILLE, HARRY, open_payment)
    yield from sale.placed(days(1.9), (THROW, 1), (RUG, 1))
    decided = [
        {"line_id": sale.line(1), "action": "accept"},
        {"line_id": sale.line(2), "action": "refuse", "quantity": 1, "reason_code": "out_of_stock"},
    ]
    yield Step(days(1.2), HARRY.principal, "order.validate_lines", {"order_id": sale.order["id"], "lines": decided})
