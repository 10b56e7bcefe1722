"""EN 16931 as Factur-X writes it. Imports factur-x: use it in the printing process and in tests only."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from shared.documents.paper import CREDIT_NOTE, TYPE_CODES, Paper, Part, decimal_text
from shared.documents.words import words

LEVEL = "en16931"
PIECE = "C62"  # UN/ECE recommendation 20: one
FREIGHT = "FC"  # UNTDID 7161
OWN_MEANS = "57"  # UNTDID 4461: standing agreement; it was paid when it was ordered
SIREN = "0002"  # ISO 6523


def xml_of(paper: Paper) -> bytes:
    """The XML, held against its XSD. Raises ValueError when the paper cannot be said in EN 16931."""
    from facturx.generate_xml import generate_xml

    if not paper.is_electronic:
        raise ValueError(f"{paper.number} has more than one tax on a line, or a currency of three decimals")
    made = generate_xml(fields_of(paper), flavor="factur-x", level=LEVEL, check_xsd=True, check_schematron=False)
    return made if isinstance(made, bytes) else made.encode()


def fields_of(paper: Paper) -> dict[str, Any]:
    """The business terms (BT) of EN 16931."""
    said = words(paper.locale)

    def money(amount: int) -> str:
        return decimal_text(amount, paper.currency)

    found: dict[str, Any] = {
        "BT-1": paper.number,
        "BT-2": date.fromisoformat(paper.issued_on),
        "BT-3": TYPE_CODES[paper.kind],
        "BT-5": paper.currency,
        "BT-14": paper.order_number,
        "BT-20": said["paid_when_ordered"] if paper.due == 0 else said["due_at_once"],
        "BT-81": OWN_MEANS,
        "BG-1": [{"BT-22": note} for note in _notes(paper) if note],
        "BG-4": _party(paper.seller),
        "BG-7": _party(paper.buyer, paper.seller["address"]["country"]),
        "BG-13": _delivered_to(paper),
        "BG-23": [_tax(paper, row, money) for row in paper.tax_rows],
        "BG-25": [_line(number, line, money) for number, line in enumerate(paper.lines, 1)],
        "BT-106": money(sum(line.net for line in paper.lines)),
        "BT-109": money(paper.net),
        "BT-110": money(paper.tax),
        "BT-112": money(paper.total),
        "BT-115": money(paper.due),
    }
    if paper.due != paper.total:
        found["BT-113"] = money(paper.total - paper.due)
    if paper.charges:
        found["BG-21"] = [_charge(charge, money) for charge in paper.charges]
        found["BT-108"] = money(sum(charge.net for charge in paper.charges))
    if paper.kind == CREDIT_NOTE and paper.invoice_number:
        found["BG-3"] = [{"BT-25": paper.invoice_number}]
    return found


def _party(party: dict[str, Any], country: str | None = None) -> dict[str, Any]:
    address = party.get("address") or {"country": country, "lines": []}
    found = {
        "name": party.get("company") or party.get("legal_name") or party["name"],
        "country_code": address["country"],
        "city": address.get("city"),
        "postcode": address.get("postcode"),
        "vat_identifier": party.get("vat_number"),
        "legal_identifier": party.get("registration"),
        "tax_identifier": None if party.get("vat_number") else party.get("registration"),
    }
    found |= {f"addr_l{number}": line for number, line in enumerate(address.get("lines", [])[:3], 1)}
    if found["legal_identifier"] and len(found["legal_identifier"].replace(" ", "")) == 9:
        found["legal_identifier"] = found["legal_identifier"].replace(" ", "")
        found["legal_identifier_schemeid"] = SIREN
    if party.get("company") and party.get("name"):
        found["contacts"] = [{"name": party["name"]}]
    return {name: value for name, value in found.items() if value}


def _notes(paper: Paper) -> list[str]:
    return paper.notes if paper.kind == CREDIT_NOTE else [*paper.notes, paper.seller.get("legal_note") or ""]


def _delivered_to(paper: Paper) -> dict[str, Any]:
    """Where the goods went. Never left out: factur-x would write an empty element that its own XSD refuses."""
    return _party({**paper.buyer, "vat_number": None}, paper.seller["address"]["country"])


def _rate(rate: Decimal | None) -> str:
    return f"{rate or Decimal(0):f}"


def _line(number: int, line: Part, money: Any) -> dict[str, Any]:
    """BT-146 is a price per unit: with its base quantity it divides nothing and rounds nothing."""
    found = {
        "BT-126": str(number),
        "BT-129": str(line.quantity),
        "BT-130": PIECE,
        "BT-131": money(line.net),
        "BT-146": money(line.net),
        "BT-149": str(line.quantity),
        "BT-151": line.category,
        "BT-152": _rate(line.rate),
        "BT-153": line.title,
        "BT-155": line.sku,
    }
    return {name: value for name, value in found.items() if value is not None}


def _charge(charge: Part, money: Any) -> dict[str, Any]:
    return {
        "amount": money(charge.net),
        "reason": charge.title,
        "reason_code": FREIGHT,
        "vat_category_code": charge.category,
        "vat_rate": _rate(charge.rate),
    }


def _tax(paper: Paper, row: Any, money: Any) -> dict[str, Any]:
    found = {
        "BT-116": money(row.net),
        "BT-117": money(row.tax),
        "BT-118": row.category,
        "BT-119": _rate(row.rate),
    }
    if row.category == "E":
        found["BT-120"] = paper.seller.get("vat_exemption") or words(paper.locale)["not_taxed"]
    return found
