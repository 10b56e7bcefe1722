"""The rules of claims: states, the transition table, the claim itself, and what the service knows of an order."""

from services.claim.model.claim import Claim
from services.claim.model.guards import Asking
from services.claim.model.module import DeskModule, reasons_of
from services.claim.model.observer_seat import ObserverSeat
from services.claim.model.offer import Colleague, Offer
from services.claim.model.opening import Complaint, open_about, open_claim
from services.claim.model.order_case import OrderCase
from services.claim.model.parts import Comment
from services.claim.model.subject import Subject, of_offer, of_order, of_site
from services.claim.model.subscription import Subscription
from services.claim.model.transitions import TABLE, Row, permits

__all__ = [
    "TABLE",
    "Asking",
    "Claim",
    "Colleague",
    "Comment",
    "Complaint",
    "DeskModule",
    "ObserverSeat",
    "Offer",
    "OrderCase",
    "Row",
    "Subject",
    "Subscription",
    "of_offer",
    "of_order",
    "of_site",
    "open_about",
    "open_claim",
    "permits",
    "reasons_of",
]
