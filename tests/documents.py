"""A paper to print, and whether this machine can: Pango is got with apt-get where it is missing and we are root."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
from functools import cache

import pytest

from shared.documents.paper import CREDIT_NOTE, Paper, Part

PACKAGES = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0", "fonts-inter")
SELLER = {
    "legal_name": "Maison Lumière SAS",
    "trade_name": "Maison Lumière",
    "legal_form": "SAS au capital de 40 000 €",
    "registration": "552 100 554",
    "vat_number": "FR32552100554",
    "address": {"lines": ["12 rue des Archives"], "postcode": "75004", "city": "Paris", "country": "FR"},
    "email": "bonjour@maison.example",
    "legal_note": "Pénalités de retard : trois fois le taux d’intérêt légal.",
}


def a_paper(kind: str) -> Paper:
    """174.90 with VAT inside, to Ada in Paris."""

    def vat(amount: int) -> list[dict]:
        return [{"code": "FR_VAT_20", "rate": "20", "amount": amount}]

    seller = dict.fromkeys(("phone", "color", "vat_exemption")) | SELLER
    address = {"lines": ["8 quai Haut"], "postcode": "75005", "city": "Paris", "country": "FR"}
    credit = kind == CREDIT_NOTE
    return Paper(
        kind=kind,
        number="AV-2026-000007" if credit else "FA-2026-000042",
        issued_on="2026-11-22",
        ordered_on=None if credit else "2026-11-02",
        order_number="1001",
        locale="en",
        currency="EUR",
        seller=seller,
        buyer={"name": "Ada Byron", "company": None, "vat_number": None, "address": address},
        lines=[Part("Brass lamp", 8743, vat(1457), 2, "LAMP"), Part("Wool rug", 8257, vat(1376), 1, "RUG")],
        charges=[Part("Shipping", 490, vat(82))],
        paid=0 if credit else 17490,
        invoice_number="FA-2026-000042" if credit else None,
    )


@cache
def has_pango() -> bool:
    """True when PDFs can be made here; installs what they need where that is possible."""
    if ctypes.util.find_library("pango-1.0"):
        return True
    if os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", "-qq", *step], env=env, capture_output=True, check=False)
    return ctypes.util.find_library("pango-1.0") is not None


def needs_pango(test):
    """Skipped, with the remedy, where the libraries are missing and cannot be got."""
    return pytest.mark.usefixtures("pango")(test)
