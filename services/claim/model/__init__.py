"""The rules of claims: states, the transition table, the claim itself, and what the service knows of an order."""

from services.claim.model.claim import Claim
from services.claim.model.guards import Asking
from services.claim.model.observer_seat import ObserverSeat
from services.claim.model.opening import Complaint, open_claim
from services.claim.model.order_case import OrderCase
from services.claim.model.parts import Comment
from services.claim.model.transitions import TABLE, Row, permits

__all__ = [
    "TABLE",
    "Asking",
    "Claim",
    "Comment",
    "Complaint",
    "ObserverSeat",
    "OrderCase",
    "Row",
    "open_claim",
    "permits",
]
