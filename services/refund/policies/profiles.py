"""What differs between the marketplaces' ways of refunding, as data (spec 5.3, switches of a profile)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any

from services.refund.model.refusals import ProfileWithoutRefunds

# After an unknown outcome the provider is asked at these ages of the refund; the last one ends the asking (messaging
# 3.13). Those from 6 h to 18 h are there so that a refund which never arrived is sent again while its key is honoured.
ASK_AT = tuple(timedelta(seconds=s) for s in (30, 300, 3600, 6 * 3600, 12 * 3600, 18 * 3600, 24 * 3600))
APPROVAL_WITHIN = timedelta(days=7)  # REF-06: an undecided refund must not hold the customer's money back for ever
QUOTE_VALID_FOR = timedelta(minutes=15)  # REF-01: long enough to read and confirm, too short for prices of yesterday
VELOCITY_WINDOW = timedelta(hours=24)  # T20: what one person may give as gestures is counted over this time

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
    "returned": {"en": "Goods returned", "fr": "Articles retournés"},
    "withdrawal": {"en": "Right of withdrawal", "fr": "Droit de rétractation"},
    "not_downloaded": {"en": "Not downloaded", "fr": "Produit non téléchargé"},
    "malfunction": {"en": "Technical malfunction", "fr": "Dysfonctionnement technique"},
    "misled": {"en": "Misleading description", "fr": "Description trompeuse"},
    "linked_subscription": {"en": "Subscription of a refunded product", "fr": "Abonnement d'un produit remboursé"},
    "other": {"en": "Other", "fr": "Autre"},
}
DEDUCTIONS: dict[str, dict[str, str]] = {
    "return_shipping": {"en": "Return shipping", "fr": "Frais de retour"},
    "restocking": {"en": "Restocking", "fr": "Remise en stock"},
    "wear": {"en": "Signs of use", "fr": "Traces d'usage"},
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a role may refund without a second person, in whole units of currency (T20).

    refund: per refund. gestures: all commercial gestures of one order together. daily: all gestures of one person in
    24 hours. daily_count: how many of them.
    """

    refund: int
    gestures: int
    daily: int = 0
    daily_count: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """The refund rules of a marketplace profile; those of a tenant replace the shipped ones, each time as a revision.

    execution: automatic (paid at once when approved), platform (a platform agent executes) or merchant (the seller).
    requesters: the roles that may ask. claim_handler_decides: E5, a claim's refund is decided by its handler only.
    gesture_tax: price_reduction (taxes shrink with the price) or goodwill (no tax inside) (M10).
    instrument_order: which payments are drained first; those not named follow, latest capture first (M11).
    instruments: beside the original one, by role (M12). right_months, limit_months: E4, E3; 0 means without end.
    right_reasons: for which a customer has the right. coupon_days: how long a coupon is valid.
    late_days: after so many days a settlement counts as late (N10).
    """

    name: str
    execution: str
    claim_handler_decides: bool
    gesture_tax: str = "price_reduction"
    instrument_order: tuple[str, ...] = ("store_credit", "coupon")
    limits: Mapping[str, Limits] = field(default_factory=dict)
    requesters: tuple[str, ...] = ("seller", "integrator", "coordinator", "platform_agent")
    instruments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    right_months: int = 0
    limit_months: int = 0
    right_reasons: tuple[str, ...] = ()
    coupon_days: int = 365
    late_days: int = 3
    revision: int = 1

    def data(self) -> dict[str, Any]:
        """The rules as JSON, as they are shown, changed and simulated."""
        found = asdict(self)
        return {**found, "instruments": {role: list(known) for role, known in self.instruments.items()}}


# A seller risks its own money and knows the order: a day's work goes without asking. A coordinator spends others'.
# A gesture costs nothing to ask for and is what a stolen session would use: a tenth of the rest (T20).
_LIMITS = {
    "seller": Limits(refund=1000, gestures=100, daily=1000, daily_count=50),
    "integrator": Limits(refund=1000, gestures=100, daily=5000, daily_count=500),
    "coordinator": Limits(refund=500, gestures=50, daily=500, daily_count=25),
    "platform_agent": Limits(refund=2000, gestures=200, daily=2000, daily_count=50),
}
_PROMISES = ("coupon", "store_credit")
_BY_HAND = ("paypal", "bank_transfer", "manual")
_STAFF_CHOOSES = {"coordinator": _PROMISES + _BY_HAND, "platform_agent": _PROMISES + _BY_HAND}
_MERCHANT_CHOOSES = {**_STAFF_CHOOSES, "seller": (*_PROMISES, "paypal"), "integrator": (*_PROMISES, "paypal")}
_STAFF = ("coordinator", "platform_agent")

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("discussion", "automatic", False, limits=_LIMITS, instruments=_STAFF_CHOOSES),
        Profile("coordinated", "automatic", False, limits=_LIMITS, instruments=_STAFF_CHOOSES, requesters=_STAFF),
        Profile("issue", "automatic", True, limits=_LIMITS, instruments=_STAFF_CHOOSES),
        Profile(
            "support",
            "platform",
            False,
            limits=_LIMITS,
            instruments=_STAFF_CHOOSES,
            right_months=1,
            limit_months=6,
            right_reasons=("not_downloaded", "malfunction", "misled"),
        ),
        Profile("box", "merchant", False, limits=_LIMITS, instruments=_MERCHANT_CHOOSES),
    )
}


def profile_of(name: str) -> Profile:
    """The shipped rules of a profile. Raises ProfileWithoutRefunds for one that does not refund."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ProfileWithoutRefunds(profile=name) from None


def changed(profile: Profile, rules: Mapping[str, Any], revision: int) -> Profile:
    """The profile with a tenant's own rules in the place of the shipped ones."""
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in rules.items()}
    if "limits" in rules:
        known["limits"] = {**profile.limits, **{role: Limits(**each) for role, each in rules["limits"].items()}}
    if "instruments" in rules:
        chosen = {role: tuple(each) for role, each in rules["instruments"].items()}
        known["instruments"] = {**profile.instruments, **chosen}
    return replace(profile, **known, revision=revision)
