"""What documents say, in French and English."""

from __future__ import annotations

FALLBACK = "en"
BABEL_LOCALES = {"fr": "fr_FR", "en": "en_GB"}

_WORDS: dict[str, dict[str, str]] = {
    "fr": {
        "invoice": "Facture",
        "credit_note": "Avoir",
        "number": "Numéro",
        "issued_on": "Date d’émission",
        "order": "Commande",
        "ordered_on": "Commandée le",
        "corrects": "Facture d’origine",
        "billed_to": "Facturé à",
        "credited_to": "Établi pour",
        "vat_number": "N° TVA",
        "registration": "SIREN",
        "item": "Désignation",
        "quantity": "Qté",
        "unit_net": "P.U. HT",
        "rate": "TVA",
        "net": "Total HT",
        "gross": "Total TTC",
        "total_net": "Total HT",
        "total_tax": "Total TVA",
        "total": "Total TTC",
        "refunded": "Total remboursé",
        "paid": "Déjà réglé",
        "due": "Reste à payer",
        "tax_summary": "Détail de la TVA",
        "base": "Base HT",
        "tax": "Montant TVA",
        "shipping": "Livraison",
        "not_taxed": "Opération non soumise à la TVA",
        "paid_when_ordered": "Réglé à la commande",
        "due_at_once": "Payable à réception",
        "settled": "Facture acquittée. Merci de votre confiance.",
        "credited": "Le montant de cet avoir vous a été remboursé.",
        "partial": "Remboursement partiel : {title}",
        "overpaid": "Trop-perçu",
        "page": "Page {page} sur {pages}",
        "print": "Imprimer",
        "download": "Télécharger en PDF",
        "electronic": "Ce PDF contient sa version électronique au format Factur-X (EN 16931).",
    },
    "en": {
        "invoice": "Invoice",
        "credit_note": "Credit note",
        "number": "Number",
        "issued_on": "Date of issue",
        "order": "Order",
        "ordered_on": "Ordered on",
        "corrects": "Original invoice",
        "billed_to": "Billed to",
        "credited_to": "Issued to",
        "vat_number": "VAT no.",
        "registration": "Company no.",
        "item": "Description",
        "quantity": "Qty",
        "unit_net": "Unit, net",
        "rate": "VAT",
        "net": "Net",
        "gross": "Total incl. VAT",
        "total_net": "Total excl. VAT",
        "total_tax": "Total VAT",
        "total": "Total incl. VAT",
        "refunded": "Total refunded",
        "paid": "Already paid",
        "due": "Amount due",
        "tax_summary": "VAT summary",
        "base": "Net amount",
        "tax": "VAT amount",
        "shipping": "Shipping",
        "not_taxed": "Not subject to VAT",
        "paid_when_ordered": "Paid when ordered",
        "due_at_once": "Due on receipt",
        "settled": "Paid in full. Thank you for your order.",
        "credited": "The amount of this credit note has been refunded to you.",
        "partial": "Partial refund: {title}",
        "overpaid": "Overpayment",
        "page": "Page {page} of {pages}",
        "print": "Print",
        "download": "Download as PDF",
        "electronic": "This PDF carries its electronic version in Factur-X format (EN 16931).",
    },
}


def language_of(locale: str) -> str:
    """`fr_FR` → `fr`; English where we have no such language."""
    language = locale.split("_")[0].split("-")[0]
    return language if language in _WORDS else FALLBACK


def words(locale: str) -> dict[str, str]:
    return _WORDS[language_of(locale)]
