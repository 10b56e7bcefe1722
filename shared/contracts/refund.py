"""The public language of the refund service: what it announces, what it takes."""

from __future__ import annotations

from typing import ClassVar

from marshmallow import fields, validate

from shared.contracts.fields import Id, Minor, Moment, MoneySchema, PositiveMoneySchema, Strict, TaxSchema, Text, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import ANYTHING, EVERYBODY, HANDLERS, OWNERS
from shared.kernel.principal import STAFF

KINDS = (
    "pre_shipment",
    "post_shipment_lines",
    "post_shipment_order",
    "commercial_gesture",
    "claim_resolution",
    "return",
    "cancellation",
    "withdrawal",
    "linked_subscription",
    "external",
)
# A claim's refund is requested by choosing its resolution, one of a subscription by that of its product, an external
# one by the provider: none of them is asked for here. A quote tells what a claim's resolution would be.
REQUESTED_KINDS = (*KINDS[:4], "return", "cancellation", "withdrawal")
QUOTED_KINDS = (*REQUESTED_KINDS, "claim_resolution")
DEDUCTIONS = ("return_shipping", "restocking", "wear")
BEARERS = ("seller", "platform", "supplier")
PROVIDERS = ("stripe", "paypal")
INSTRUMENTS = ("original", "paypal", "coupon", "store_credit", "bank_transfer", "manual")
STATES = (
    "requested",
    "pending_approval",
    "approved",
    "rejected",
    "cancelled",
    "processing",
    "succeeded",
    "failed",
    "unknown",
    "reversed",
)
BODY_LENGTH = 1_000_000  # characters of a provider's webhook; Stripe's are a few thousand


# commands and queries


# Taxes are nobody's to name: they come from what was frozen when the order was placed.
OF_THE_SNAPSHOT = dict.fromkeys(("taxes", "tax_code", "tax_rate"), "M3")


class AskedLineInput(Strict):
    """qty: units at their value. amount: so much of the line, in minor units. Neither: all units the path allows."""

    rules: ClassVar[dict[str, str]] = {"qty": "E1", **OF_THE_SNAPSHOT}

    line_id = Id(required=True)
    qty = Whole(least=1, most=100_000)
    amount = Minor(least=1)


class Deduction(Strict):
    """M13: what is kept of the refund, and why; in minor units."""

    code = fields.String(required=True, validate=validate.OneOf(DEDUCTIONS))
    amount = Minor(required=True, least=1)


class Bearer(Strict):
    """Who bears how much of it (M21)."""

    party = fields.String(required=True, validate=validate.OneOf(BEARERS))
    id = Id(required=True)
    amount = Minor(required=True)


class Quote(Strict):
    """REF-01, REF-02. Lines, or a free amount, or neither: then the whole order as the kind allows.

    shipping: the fee of every shipment; shipment_ids: of these only (M8). gesture_tax: does a gesture shrink the taxes
    (price_reduction, the default) or not (goodwill)? return_id: whose units, for kind return (E6). funding: who bears
    it, adding up to the refund (M21); without it the seller.
    """

    rules: ClassVar[dict[str, str]] = OF_THE_SNAPSHOT

    order_id = Id(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(QUOTED_KINDS))
    lines = fields.List(fields.Nested(AskedLineInput), load_default=list, validate=validate.Length(max=500))
    shipping = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    shipment_ids = fields.List(Id(), load_default=list, validate=validate.Length(max=20))
    amount = fields.Nested(PositiveMoneySchema)
    gesture_tax = fields.String(validate=validate.OneOf(("price_reduction", "goodwill")))
    instrument = fields.String(load_default="original", validate=validate.OneOf(INSTRUMENTS))
    claim_id = Id()
    return_id = Id()
    deductions = fields.List(fields.Nested(Deduction), load_default=list, validate=validate.Length(max=10))
    funding = fields.List(fields.Nested(Bearer), load_default=list, validate=validate.Length(max=10))
    reason_code = Id()


class Request(Quote):
    """CreateRefundVoucher (S0-18…20). reason_code: from the catalogue. quote_id: be what was quoted, or refused."""

    kind = fields.String(required=True, validate=validate.OneOf(REQUESTED_KINDS))
    reason_code = Id(required=True)
    quote_id = Id()


class OfRefund(Strict):
    refund_id = Id(required=True)


class Reject(OfRefund):
    reason_code = Id(load_default="rejected")


class Execute(OfRefund):
    """REF-08. reference: of the transfer that was made, where a person pays and not a provider."""

    reference = Text(most=120)


class Retry(OfRefund):
    """REF-13: a new refund for the failed one."""

    instrument = fields.String(validate=validate.OneOf(INSTRUMENTS))


class ProviderEvent(Strict):
    """A provider's webhook as it came: headers and raw body. It is verified in the service, its caller is nobody."""

    provider = fields.String(required=True, validate=validate.OneOf(PROVIDERS))
    headers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    body = fields.String(required=True, validate=validate.Length(min=2, max=BODY_LENGTH))


class ListRefunds(Strict):
    """Newest first. Filters narrow what the caller may see anyway."""

    order_id = Id()
    claim_id = Id()
    seller_id = Id()
    customer_ref = Id()
    state = fields.String(validate=validate.OneOf(STATES))
    limit = Whole(least=1, most=200, load_default=50)
    cursor = fields.String(validate=validate.Length(max=300))


class OfOrder(Strict):
    order_id = Id(required=True)


class Explain(OfOrder):
    """N4. What would each rule say to this caller, now? `explain` decides nothing and stores nothing."""

    action = fields.String(load_default="refund", validate=validate.OneOf(("refund",)))
    kind = fields.String(load_default="post_shipment_order", validate=validate.OneOf(QUOTED_KINDS))
    instrument = fields.String(load_default="original", validate=validate.OneOf(INSTRUMENTS))
    reason_code = Id()


class OfCreditNote(Strict):
    credit_note_id = Id(required=True)


REQUEST = Operation("refund.request", Request(), money=True, may=HANDLERS)
APPROVE = Operation("refund.approve", OfRefund(), money=True, may=STAFF)
REJECT = Operation("refund.reject", Reject(), may=STAFF)
CANCEL = Operation("refund.cancel", OfRefund(), may=HANDLERS)
EXECUTE = Operation("refund.execute", Execute(), money=True, may=STAFF)
RETRY = Operation("refund.retry", Retry(), money=True, may=HANDLERS)
PROVIDER_EVENT = Operation("refund.provider_event", ProviderEvent(), may=EVERYBODY, on=ANYTHING)  # signed
QUOTE = Operation("refund.quote", Quote(), reads=True, may=HANDLERS)
GET = Operation("refund.get", OfRefund(), reads=True, may=OWNERS)
LIST = Operation("refund.list", ListRefunds(), reads=True, may=OWNERS)
ENVELOPE = Operation("refund.envelope", OfOrder(), reads=True, may=OWNERS)
EXPLAIN = Operation("refund.explain", OfRefund(), reads=True, may=HANDLERS)
EXPLAIN_ORDER = Operation("refund.explain_order", Explain(), reads=True, may=HANDLERS)
GET_CREDIT_NOTE = Operation("credit_note.get", OfCreditNote(), reads=True, may=OWNERS)


# events


class RefundedLine(Strict):
    """qty is absent when the line was refunded by amount."""

    line_id = Id(required=True)
    qty = Whole(least=1)
    amount = Minor(required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)


class Requester(Strict):
    type = fields.String(required=True)
    id = Id(required=True)


class RefundFact(Strict):
    """What every refund event says: totals, and the part of each line (M22). available_after: of the whole order."""

    refund_id = Id(required=True)
    order_id = Id(required=True)
    claim_id = Id(required=True, allow_none=True)
    parent_id = Id(required=True, allow_none=True)
    retry_of = Id(required=True, allow_none=True)
    return_id = Id(required=True, allow_none=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    instrument = fields.String(required=True, validate=validate.OneOf(INSTRUMENTS))
    amount = fields.Nested(MoneySchema, required=True)
    tax_total = Minor(required=True)
    lines = fields.List(fields.Nested(RefundedLine), required=True)
    shipping = Minor(required=True)
    reason_code = Id(required=True)
    deductions = fields.List(fields.Nested(Deduction), required=True)
    funding = fields.List(fields.Nested(Bearer), required=True)
    requested_by = fields.Nested(Requester, required=True)
    available_after = Minor(required=True)


class ApprovalRequired(RefundFact):
    """rules: what makes a second person necessary."""

    rules = fields.List(fields.String(), required=True)


class Decided(RefundFact):
    """by: policy, or the role of the person."""

    by = fields.String(required=True)


class Rejected(RefundFact):
    """code: the refusal of a rule, or the reason the approver gave."""

    code = fields.String(required=True)


class OutcomeUnknown(RefundFact):
    """given_up: every question to the provider remained without answer; a person has to look."""

    code = fields.String(required=True)
    given_up = fields.Boolean(required=True)


class Succeeded(RefundFact):
    provider_ref = fields.String(required=True)
    succeeded_at = Moment(required=True)
    credit_note_id = Id(required=True)
    order_refunded_total = fields.Nested(MoneySchema, required=True)
    order_available = fields.Nested(MoneySchema, required=True)
    fully_refunded = fields.Boolean(required=True)


class Failed(RefundFact):
    code = fields.String(required=True)
    retryable = fields.Boolean(required=True)


class Reversed(RefundFact):
    code = fields.String(required=True)


class ExternalRecorded(RefundFact):
    """over_cap: how much of it went beyond what was refundable, in minor units."""

    provider_ref = fields.String(required=True)
    over_cap = Minor(required=True)


class RefundedShipment(Strict):
    shipment_id = Id(required=True)
    amount = Minor(required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)


class CreditNoteIssued(Strict):
    credit_note_id = Id(required=True)
    number = fields.String(required=True)
    order_id = Id(required=True)
    refund_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    invoice_number = fields.String(required=True, allow_none=True)
    total = fields.Nested(MoneySchema, required=True)
    lines = fields.List(fields.Nested(RefundedLine), required=True)
    shipping = fields.List(fields.Nested(RefundedShipment), required=True)
    taxes = fields.List(fields.Nested(TaxSchema), required=True)
    issued_at = Moment(required=True)


class ChargebackFact(Strict):
    payment_id = Id(required=True)
    order_id = Id(required=True)
    seller_id = Id(required=True)
    customer_ref = Id(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    provider_ref = fields.String(required=True)
    available_after = Minor(required=True)


announce(
    "refund",
    {
        "refund.requested": RefundFact(),
        "refund.approval_required": ApprovalRequired(),
        "refund.approved": Decided(),
        "refund.rejected": Rejected(),
        "refund.cancelled": Decided(),
        "refund.processing": RefundFact(),
        "refund.outcome_unknown": OutcomeUnknown(),
        "refund.succeeded": Succeeded(),
        "refund.failed": Failed(),
        "refund.reversed": Reversed(),
        "refund.external_recorded": ExternalRecorded(),
        "credit_note.issued": CreditNoteIssued(),
    },
)
announce(
    "refund",
    {
        "chargeback.opened": ChargebackFact(),
        "chargeback.won": ChargebackFact(),
        "chargeback.lost": ChargebackFact(),
    },
    audience=INTERNAL,
)
