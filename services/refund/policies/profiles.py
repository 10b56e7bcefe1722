"""What differs between the marketplaces' ways of refunding, as data (spec 5.3, switches of a profile)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.refund.model.refusals import ProfileWithoutRefunds

# After an unknown outcome the provider is asked at these ages of the refund; the last one ends the asking (messaging
# 3.13). Those from 6 h to 18 h are there so that a refund which never arrived is sent again while its key is honoured.
ASK_AT = tuple(timedelta(seconds=s) for s in (30, 300, 3600, 6 * 3600, 12 * 3600, 18 * 3600, 24 * 3600))
APPROVAL_WITHIN = timedelta(days=7)  # REF-06: an undecided refund must not hold the customer's money back for ever
QUOTE_VALID_FOR = timedelta(minutes=15)  # REF-01: long enough to read and confirm, too short for prices of yesterday

# Reasons people may choose from; claims and order validation bring their own, checked by their services.
REASONS: dict[str, dict[str, str]] = {
    "damaged_items": {"en": "Damaged items", "fr": "Articles abîmés"},
    "defective_items": {"en": "Defective items", "fr": "Articles défectueux"},
    "missing_items": {"en": "Missing items", "fr": "Articles manquants"},
    "wrong_goods": {"en": "Wrong goods delivered", "fr": "Mauvais articles livrés"},
    "not_as_described": {"en": "Not as described", "fr": "Non conforme à la description"},
    "late_delivery": {"en": "Late delivery", "fr": "Livraison en retard"},
    "out_of_stock": {"en": "Out of stock", "fr": "Rupture de stock"},
    "order_cancelled": {"en": "Order cancelled", "fr": "Commande annulée"},
    "changed_mind": {"en": "Customer changed his mind", "fr": "Le client a changé d'avis"},
    "price_adjustment": {"en": "Price adjustment", "fr": "Ajustement de prix"},
    "goodwill": {"en": "Goodwill", "fr": "Geste commercial"},
    "other": {"en": "Other", "fr": "Autre"},
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a role may refund without a second person, in whole units of currency (T20).

    refund: per refund. gestures: all commercial gestures of one order together.
    """

    refund: int
    gestures: int


@dataclass(frozen=True, slots=True)
class Profile:
    """The refund switches of a marketplace profile.

    execution: automatic (paid at once when approved) or platform (a platform agent executes).
    claim_handler_decides: E5, a claim's refund is decided by its handler only.
    gesture_tax: price_reduction (taxes shrink with the price) or goodwill (no tax inside) (M10).
    instrument_order: which payments are drained first; those not named follow, latest capture first (M11).
    """

    name: str
    execution: str
    claim_handler_decides: bool
    gesture_tax: str
    instrument_order: tuple[str, ...]
    limits: Mapping[str, Limits]


# A seller risks its own money and knows the order: a day's work goes without asking. A coordinator spends others'.
# A gesture costs nothing to ask for and is what a stolen session would use: a tenth of the rest (T20).
_LIMITS = {
    "seller": Limits(refund=1000, gestures=100),
    "integrator": Limits(refund=1000, gestures=100),
    "coordinator": Limits(refund=500, gestures=50),
    "platform_agent": Limits(refund=2000, gestures=200),
}
_CREDIT_FIRST = ("store_credit", "coupon")

PROFILES = {
    "discussion": Profile("discussion", "automatic", False, "price_reduction", _CREDIT_FIRST, _LIMITS),
    "issue": Profile("issue", "automatic", True, "price_reduction", _CREDIT_FIRST, _LIMITS),
}


def profile_of(name: str) -> Profile:
    """The switches of a profile. Raises ProfileWithoutRefunds for one that does not refund."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ProfileWithoutRefunds(profile=name) from None
