"""Verdicts: a rule's answer with the facts it saw, stored with the decision so that anybody can dispute it (N4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.kernel.errors import Refusal

PASSED, APPROVAL, REFUSED = "passed", "approval", "refused"
# What each rule says, for people who dispute a decision.
TITLES: dict[str, dict[str, str]] = {
    "5.1": {"en": "Who may ask for refunds", "fr": "Qui peut demander un remboursement"},
    "E1": {"en": "The units are on this path", "fr": "Les unités sont sur ce parcours"},
    "E2": {"en": "The order is paid", "fr": "La commande est payée"},
    "E3": {"en": "The last day of refunds", "fr": "Le dernier jour des remboursements"},
    "E4": {"en": "The customer's right to a refund", "fr": "Le droit du client au remboursement"},
    "E5": {"en": "The claim's handler decides", "fr": "Le responsable de la réclamation décide"},
    "E6": {"en": "Units that a return brought back", "fr": "Unités rapportées par un retour"},
    "E7": {"en": "No bank disputes the payment", "fr": "Aucune banque ne conteste le paiement"},
    "M2": {"en": "The currency of the payment", "fr": "La devise du paiement"},
    "M5": {"en": "Units not refunded yet", "fr": "Unités pas encore remboursées"},
    "M9": {"en": "Never more than was captured", "fr": "Jamais plus que le montant encaissé"},
    "M12": {"en": "The way of the payment", "fr": "Le moyen de paiement"},
    "M13": {"en": "Deductions with a reason", "fr": "Déductions motivées"},
    "M15": {"en": "There is something to refund", "fr": "Il y a quelque chose à rembourser"},
    "M21": {"en": "Who bears the refund", "fr": "Qui supporte le remboursement"},
    "REF-02": {"en": "The reason is in the catalogue", "fr": "Le motif est au catalogue"},
    "REF-03": {"en": "Limit of the role per refund", "fr": "Limite du rôle par remboursement"},
    "REF-04": {"en": "The request came by a safe door", "fr": "La demande vient d'un canal sûr"},
    "T20": {"en": "Limit of gestures per order", "fr": "Limite de gestes par commande"},
    "T20-V": {"en": "Limit of gestures per person and day", "fr": "Limite de gestes par personne et par jour"},
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed` is False when the rule makes a second person necessary, or when `refusal` says that it refuses.

    version: of the rule; one whose numbers a tenant sets has the revision of its policy.
    """

    rule: str
    passed: bool
    facts: dict[str, Any]
    version: int = 1
    refusal: Refusal | None = None

    @property
    def word(self) -> str:
        if self.passed:
            return PASSED
        return REFUSED if self.refusal else APPROVAL

    def data(self) -> dict[str, Any]:
        """As it is stored with the decision."""
        facts = {**self.facts, **(self.refusal.details if self.refusal else {})}
        found = {"rule": self.rule, "version": self.version, "passed": self.passed, "verdict": self.word}
        return {**found, "facts": facts, **({"code": self.refusal.code} if self.refusal else {})}


def refused(refusal: Refusal, version: int = 1, facts: dict[str, Any] | None = None) -> Verdict:
    """What a refusal says as a verdict."""
    return Verdict(refusal.rule or refusal.code, False, facts or {}, version, refusal)


def explained(stored: dict[str, Any]) -> dict[str, Any]:
    """A stored verdict with the words for it; those of before versions count as version 1."""
    word = stored.get("verdict") or (PASSED if stored["passed"] else APPROVAL)
    return {
        "rule": stored["rule"],
        "version": stored.get("version", 1),
        "title": TITLES.get(stored["rule"]),
        "verdict": word,
        "inputs": stored["facts"],
        "code": stored.get("code"),
    }
