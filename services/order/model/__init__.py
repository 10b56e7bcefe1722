"""The rules of orders: the order and its settlement, its marketplace, subscriptions and reminders."""

from services.order.model.contact import Contact
from services.order.model.entitlement import Entitlement, key_of
from services.order.model.lifecycle import LifecyclePlan, ReminderChoice, choice_id, end_of_use
from services.order.model.line import Line, line_data
from services.order.model.marketplace import SHIPPED, Marketplace, marketplace_id
from services.order.model.order import Order
from services.order.model.refusals import OpenClaim, OrderExists, WrongCurrency
from services.order.model.settlement import Settlement

__all__ = [
    "SHIPPED",
    "Contact",
    "Entitlement",
    "LifecyclePlan",
    "Line",
    "Marketplace",
    "OpenClaim",
    "Order",
    "OrderExists",
    "ReminderChoice",
    "Settlement",
    "WrongCurrency",
    "choice_id",
    "end_of_use",
    "key_of",
    "line_data",
    "marketplace_id",
]
