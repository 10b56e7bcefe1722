"""What a withdrawal says in the conversation, in French and English."""

from __future__ import annotations

from typing import Any

FALLBACK = "en"
_WORDS: dict[str, dict[str, str]] = {
    "fr": {
        "statement": "{name} se rétracte du contrat de la commande {number} : {lines}",
        "not_accepted": " (non accepté : {reason})",
        "made_to_measure": "fait sur mesure",
        "perishable": "produit périssable",
        "sealed_hygiene": "descellé, pour raison d’hygiène",
        "sealed_media": "support descellé",
        "digital_content": "contenu numérique déjà commencé",
        "other": "exclu par la loi",
        "period_over": "les 14 jours sont écoulés",
    },
    "en": {
        "statement": "{name} withdraws from the contract of order {number}: {lines}",
        "not_accepted": " (not accepted: {reason})",
        "made_to_measure": "made to measure",
        "perishable": "perishable goods",
        "sealed_hygiene": "unsealed, for reasons of hygiene",
        "sealed_media": "unsealed media",
        "digital_content": "digital content already begun",
        "other": "excluded by law",
        "period_over": "the 14 days are over",
    },
}


def statement(locale: str | None, name: str, number: str, lines: list[dict[str, Any]]) -> str:
    """What the customer withdraws from. locale: None for orders that were placed before it was kept; then English."""
    words = _WORDS.get(locale or FALLBACK, _WORDS[FALLBACK])
    said = "; ".join(_line(words, line) for line in lines)
    return words["statement"].format(name=name, number=number, lines=said)


def _line(words: dict[str, str], line: dict[str, Any]) -> str:
    said = f"{line['qty']} × {line['title'] or line['line_id']}"
    reason = line["not_accepted"]
    return said + words["not_accepted"].format(reason=words[reason]) if reason else said
