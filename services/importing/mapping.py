"""From an order as another system exports it to an entry of order.place_many. The names are in formats/*.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.importing.amounts import Unreadable, minor, priced, rate_of, spread, whole
from shared.kernel.money import allocate

FORMATS = Path(__file__).parent / "formats"
NOT_OF_IDS = re.compile(r"[^A-Za-z0-9_.:\-]+")
OF_PAYMENT = {"payment_id": "payment.id", "provider_ref": "payment.reference"}
RATE_IN_NAME = re.compile(r"(\d{1,2}(?:[.,]\d{1,4})?)\s*%")


@dataclass(frozen=True, slots=True)
class Options:
    """What a file does not say: given on the command line."""

    tenant: str
    seller: str | None = None
    marketplace: str | None = None
    profile: str | None = None
    locale: str = "en"


def known() -> list[str]:
    return sorted(path.stem for path in FORMATS.glob("*.json"))


@cache
def mapping(code: str) -> Mapping:
    return Mapping(json.loads((FORMATS / f"{code}.json").read_text(encoding="utf-8")))


class Mapping:
    """One format. An order is given as its first row and the rows of its lines (the order itself, where nested)."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.order, self.line = data["order"], data["line"]
        self.defaults = data["defaults"]

    def source_of(self, path: str) -> str:
        """`lines.0.quantity` → the name in the file, so that people find it."""
        names = path.split(".")
        if names[0] == "lines":
            name = f"tax_{names[-1]}" if "taxes" in names else names[-1]
            return self.line.get(name, path)
        if names[0] == "payment":
            path = OF_PAYMENT.get(names[1], "payment.amount") if len(names) > 1 else "payment.when"
        return self.order.get(path, path)

    def key(self, row: dict[str, Any]) -> Any:
        return _at(row, self.order["number"])

    def mapped(self, first: dict[str, Any], rows: list[dict[str, Any]], options: Options) -> dict[str, Any]:
        """With its payment, when the export says that it was paid. Raises Unreadable naming the file's field."""
        currency = str(self._need(first, "currency"))
        lines = [self._numbered(index, row, currency) for index, row in enumerate(self._lines(first, rows))]
        shipping = self._shipping(first, currency)
        shipping += sum(line.pop("shipping", 0) for line in lines)
        total = self._amount(first, "total", currency)
        discount = self._amount(first, "discount", currency) or 0
        shipments: list[dict[str, Any]] = [{"gross": shipping, "taxes": []}] if shipping else []
        tax = {"columns": self._taxes_in_columns, "lists": self._taxes_in_lists, "order": self._taxes_of_order}
        extra = tax[self.data["taxes"]](first, rows, lines, shipments, currency)
        number = _id(self._need(first, "number"))
        marketplace = _id(self._text(first, "marketplace") or options.marketplace or self.defaults["marketplace"])
        order = {
            "order_id": order_id(options.tenant, marketplace, number),
            "number": number,
            "marketplace": marketplace,
            "profile": self._text(first, "profile") or options.profile or self.defaults["profile"],
            "seller_id": _id(self._text(first, "seller_id") or options.seller or ""),
            "customer": self._customer(first, options),
            "currency": currency,
            "lines": lines,
            "discount": discount,
            "shipping": shipments,
            "total": _sum(lines, shipments) - discount if total is None else total + extra,
        }
        if not order["seller_id"]:
            raise Unreadable(self.order.get("seller_id", "seller"), "Whose order is it? Name the seller by --seller.")
        if placed_at := self._text(first, "placed_at"):
            order["placed_at"] = _moment(placed_at, self.order["placed_at"])
        payment = self._payment(first, order, currency)
        return {**order, "payment": payment} if payment else order

    # the order's own

    def _text(self, row: dict[str, Any], name: str) -> str | None:
        value = _at(row, self.order[name]) if name in self.order else None
        return str(value).strip() if value not in (None, "") else None

    def _need(self, row: dict[str, Any], name: str) -> str:
        found = self._text(row, name)
        if found is None:
            raise Unreadable(self.order[name], "Missing data for required field.")
        return found

    def _amount(self, row: dict[str, Any], name: str, currency: str) -> int | None:
        text = self._text(row, name)
        return None if text is None else self._money(text, currency, self.order[name])

    def _money(self, value: Any, currency: str, field: str) -> int:
        return whole(value, field) if self.data["amounts"] == "minor" else minor(value, currency, field)

    def _shipping(self, first: dict[str, Any], currency: str) -> int:
        return self._amount(first, "shipping", currency) or 0

    def _customer(self, first: dict[str, Any], options: Options) -> dict[str, Any]:
        email = self._need(first, "customer.email")
        names = (self._text(first, f"customer.{part}") for part in ("name", "first_name", "last_name"))
        locale = (self._text(first, "customer.locale") or options.locale)[:2].lower()
        found = {
            # an address is nobody's id: events carry the ref
            "ref": _id(self._text(first, "customer.ref") or "cus_" + sha256(email.lower().encode()).hexdigest()[:26]),
            "name": " ".join(name for name in names if name) or email.partition("@")[0],
            "email": email,
            "locale": locale if locale in ("fr", "en") else options.locale,
        }
        phone = self._text(first, "customer.phone")
        return {**found, "phone": phone} if phone else found

    def _payment(self, first: dict[str, Any], order: dict[str, Any], currency: str) -> dict[str, Any] | None:
        paid = self._amount(first, "payment.amount", currency)
        if paid is None and not self._text(first, "payment.when"):
            return None
        reference = self._text(first, "payment.reference") or order["number"]
        return {
            "payment_id": _id(self._text(first, "payment.id") or f"pay_{order['order_id'][4:]}"),
            "provider": "manual",
            "provider_ref": reference[:128],
            "amount": {"amount": order["total"] if paid is None else paid, "currency": currency},
        }

    # its lines

    def _lines(self, first: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if "lines" not in self.data:
            return rows
        found = _at(first, self.data["lines"])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise Unreadable(self.data["lines"], "Not a list of lines.")
        return found

    def _numbered(self, index: int, row: dict[str, Any], currency: str) -> dict[str, Any]:
        try:
            return self._line(row, currency)
        except Unreadable as wrong:
            wrong.row = index
            raise

    def _line(self, row: dict[str, Any], currency: str) -> dict[str, Any]:
        def value(name: str) -> Any:
            found = _at(row, self.line[name]) if name in self.line else None
            return None if found in (None, "") else found

        quantity = whole(value("quantity") if value("quantity") is not None else "", self.line["quantity"])
        line: dict[str, Any] = {"title": str(value("title") or "")[:200], "quantity": quantity}
        line["sku"] = _id(value("sku") or line["title"])
        line["product_id"] = _id(value("product_id") or line["sku"])
        if "amount" in self.line:
            line |= priced(self._money(value("amount"), currency, self.line["amount"]), quantity)
        else:
            line["unit_price"] = self._money(value("unit_price"), currency, self.line["unit_price"])
            line["discount"] = self._money(value("discount") or 0, currency, self.line.get("discount", ""))
        if value("shipping") is not None:
            line["shipping"] = self._money(value("shipping"), currency, self.line["shipping"])
        for name in ("line_id", "supplier_id"):
            if value(name) is not None:
                line[name] = _id(value(name))
        return line

    # taxes: beside each line, in lists, or one for the whole order; each answers what they add to the total

    def _taxes_in_columns(self, first: Any, rows: Any, lines: Any, shipments: Any, currency: str) -> int:
        for row, line in zip(rows, lines, strict=True):
            code, rate, amount = (_at(row, self.line[name]) for name in ("tax_code", "tax_rate", "tax_amount"))
            if code:
                tax = {"code": str(code), "rate": str(rate)}
                line["taxes"] = [tax if amount in (None, "") else {**tax, "amount": whole(amount, "tax_amount")}]
                for shipment in shipments:
                    shipment["taxes"] = shipment["taxes"] or [tax]
        return 0

    def _taxes_in_lists(self, first: Any, rows: Any, lines: Any, shipments: Any, currency: str) -> int:
        names, mode = self.data["tax_lists"], self.data["excludes_taxes"]
        added = _at(first, mode["field"]) == mode["value"]
        extra, of_shipping = 0, []
        for row, line in zip(self._lines(first, rows), lines, strict=True):
            taxes = [self._tax(each, currency) for each in _at(row, names["line"]) or ()]
            own = sum(amount for _, _, amount in taxes)
            if added:
                line |= priced(_gross(line) + own, line["quantity"])
                extra += own
            line["taxes"] = _told(taxes, _gross(line))
            of_shipping += [self._tax(each, currency) for each in _at(row, names["shipping"]) or ()]
        for shipment in shipments:
            own = sum(amount for _, _, amount in of_shipping)
            shipment["gross"] += own if added else 0
            extra += own if added else 0
            shipment["taxes"] = _told(of_shipping, shipment["gross"])
        return extra

    def _tax(self, given: dict[str, Any], currency: str) -> tuple[str, str | None, int]:
        names = self.data["tax_lists"]
        rate = given.get(names["rate"])
        amount = self._money(given[names["amount"]], currency, names["amount"])
        return str(given[names["code"]]), None if rate is None else format(_decimal(rate), "f"), amount

    def _taxes_of_order(self, first: Any, rows: Any, lines: Any, shipments: Any, currency: str) -> int:
        """Shopify tells discounts and taxes of the whole order: both are spread over what they are taken from."""
        subtotal, total = (self._amount(first, name, currency) or 0 for name in ("subtotal", "total"))
        whole_tax = self._amount(first, "taxes", currency) or 0
        shipping = sum(each["gross"] for each in shipments)
        before = [_gross(line) for line in lines]
        for line, (gross, share) in zip(lines, _shares(before, sum(before) - subtotal), strict=True):
            line |= priced(gross - share, line["quantity"])
        added = whole_tax and subtotal + shipping != total
        taxes, rates = self._named_taxes(first, currency, whole_tax)
        parts = [*(_gross(line) for line in lines), *([shipping] if shipping else [])]
        for index, own in enumerate(spread(taxes, parts)):
            extra = sum(amount for _, amount in own) if added else 0
            gross = parts[index] + extra
            told = _told([(code, rates.get(code), amount) for code, amount in own], gross)
            if index < len(lines):
                lines[index] |= {**priced(gross, lines[index]["quantity"]), "taxes": told}
            else:
                shipments[0] |= {"gross": gross, "taxes": told}
        return 0

    def _named_taxes(self, first: Any, currency: str, whole_tax: int) -> tuple[list[tuple[str, int]], dict[str, str]]:
        names = self.data["tax_columns"]
        taxes, rates = [], {}
        for n in range(1, names["most"] + 1):
            name, value = (_at(first, names[part].format(n=n)) for part in ("name", "value"))
            if not name or value in (None, ""):
                continue
            code = NOT_OF_IDS.sub("_", str(name)).strip("_")[:32]
            taxes.append((code, minor(value, currency, names["value"].format(n=n))))
            if rate := RATE_IN_NAME.search(str(name)):
                rates[code] = rate[1].replace(",", ".")
        return taxes or ([("TAX", whole_tax)] if whole_tax else []), rates


def order_id(tenant: str, marketplace: str, number: str) -> str:
    """The same order gets the same id, however often its file is imported."""
    return "ord_" + sha256(f"{tenant}\n{marketplace}\n{number}".encode()).hexdigest()[:26].upper()


def _at(row: dict[str, Any], path: str) -> Any:
    """`customer.locale` of nested data; a column of that very name comes first."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _id(value: Any) -> str:
    """As an id may be written: `#1001` → `1001`, blanks and the like become dashes."""
    return NOT_OF_IDS.sub("-", str(value)).strip("-_.:")[:64]


def _moment(text: str, field: str) -> str:
    """`2026-01-05 10:00:00 +0100` as RFC 3339; what says no zone is UTC."""
    try:
        at = datetime.fromisoformat(text.replace(" UTC", "+00:00").replace(" +", "+").replace(" -", "-"))
    except ValueError:
        raise Unreadable(field, f"{text!r} is not a time, like 2026-01-05T10:00:00Z.") from None
    return at.isoformat() if at.tzinfo else f"{at.isoformat()}+00:00"


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value)).normalize()


def _gross(line: dict[str, Any]) -> int:
    return line["unit_price"] * line["quantity"] - line["discount"]


def _sum(lines: list[dict[str, Any]], shipments: list[dict[str, Any]]) -> int:
    return sum(_gross(line) for line in lines) + sum(each["gross"] for each in shipments)


def _shares(weights: list[int], discount: int) -> list[tuple[int, int]]:
    return list(zip(weights, allocate(max(discount, 0), weights), strict=True))


def _told(taxes: list[tuple[str, str | None, int]], gross: int) -> list[dict[str, Any]]:
    return [
        {"code": code[:32], "rate": rate or rate_of(gross, amount), "amount": amount} for code, rate, amount in taxes
    ]
