"""What a composer reminds its writer of, by profile and language (S3-02, S3-03)."""

from __future__ import annotations

_BUSINESS = {
    "fr": "Vos échanges sont professionnels : restez courtois et factuel. Demandez une chose à la fois, sans jargon, "
    "et dites où la trouver : votre interlocuteur n'est pas technicien.",
    "en": "You write to another business: stay courteous and factual. Ask for one thing at a time, without jargon, "
    "and say where to find it: your reader is no technician.",
}
_SHOP = {
    "fr": "Saluez, répondez à la question posée, dites ce qui se passe ensuite et quand.",
    "en": "Greet, answer what was asked, say what happens next and when.",
}

GUIDELINES: dict[str, dict[str, str]] = {
    "support": _BUSINESS,
    "issue": _BUSINESS,
    "discussion": _SHOP,
    "coordinated": _SHOP,
    "box": _SHOP,
}
