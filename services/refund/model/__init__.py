"""The refund service's aggregates: what an order can still give back, the refunds that took it, their credit notes."""

from services.refund.model.chargeback import Chargeback
from services.refund.model.claim_facts import ClaimFacts
from services.refund.model.coupon import Coupon
from services.refund.model.credit_note import CreditNote
from services.refund.model.entries import ACCOUNTS, Entry, balances
from services.refund.model.ledger import RefundLedger
from services.refund.model.parts import Counter, Line, Part, PartTax, Shipment, Slice, Wish
from services.refund.model.payment import Payment
from services.refund.model.refund import Refund
from services.refund.model.return_facts import ReturnFacts
from services.refund.model.rulebook import Rulebook
from services.refund.model.settlement_line import SettlementLine
from services.refund.model.states import FINAL, IN_FLIGHT, TRANSITIONS

__all__ = [
    "ACCOUNTS",
    "FINAL",
    "IN_FLIGHT",
    "TRANSITIONS",
    "Chargeback",
    "ClaimFacts",
    "Counter",
    "Coupon",
    "CreditNote",
    "Entry",
    "Line",
    "Part",
    "PartTax",
    "Payment",
    "Refund",
    "RefundLedger",
    "ReturnFacts",
    "Rulebook",
    "SettlementLine",
    "Shipment",
    "Slice",
    "Wish",
    "balances",
]
