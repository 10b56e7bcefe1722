"""ORD-01…ORD-03 and ORD-13: orders come, are paid for, and grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import ValidationError

from services.order import queries
from services.order.handlers import entitling, reminding
from services.order.handlers.access import View, for_change, keep, view_of
from services.order.marketplaces import rules_of
from services.order.model import Contact, Line, Order, OrderExists, Settlement
from services.order.policies import TotalDoesNotAddUp, may, priced_lines, taxes_of
from shared.contracts import order as contracts
from shared.contracts.quick import quick_loader
from shared.contracts.rules import invalid
from shared.kernel.errors import Forbidden, InvalidInput, Refusal
from shared.runtime.unit_of_work import Context

BULK_ENTRY = contracts.PlaceOfMany()
LOAD = quick_loader(BULK_ENTRY)


def place_order(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-01, S4-01/02."""
    if not may(ctx.principal, "place", args["seller_id"]):
        raise Forbidden(action="order.place")
    if queries.number_taken(ctx, args):
        raise OrderExists(order_id=args.get("order_id"), number=args["number"])
    return view_of(ctx, _place(ctx, args))


def place_many(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-01 to ORD-03 in bulk: each order by itself, PLACED or the code of its refusal with its fields (I17)."""
    loaded = [_loaded(entry) for entry in args["orders"]]
    usable = [each for each in loaded if isinstance(each, dict)]
    ctx.work.prefetch([(Contact, contact_id(ctx.tenant, each["customer"]["ref"])) for each in usable])
    ctx.work.prefetch([(Order, each["order_id"]) for each in usable if "order_id" in each])
    taken = queries.numbers_taken(ctx, usable)
    return {"results": [_result(ctx, each, entry, taken) for each, entry in zip(loaded, args["orders"], strict=True)]}


def _loaded(entry: dict[str, Any]) -> dict[str, Any] | Refusal:
    try:
        return LOAD(entry)
    except ValidationError as wrong:
        return invalid(BULK_ENTRY, wrong)


def _result(
    ctx: Context, loaded: dict[str, Any] | Refusal, entry: dict[str, Any], taken: set[tuple[str, str]]
) -> dict[str, Any]:
    try:
        if isinstance(loaded, Refusal):
            raise loaded
        if not may(ctx.principal, "place", loaded["seller_id"]):
            raise Forbidden(action="order.place")
        key = loaded["marketplace"], loaded["number"]
        if key in taken:
            raise OrderExists(order_id=loaded.get("order_id"), number=loaded["number"])
        payment = loaded.pop("payment", None)
        if payment and not may(ctx.principal, "capture_payment", loaded["seller_id"]):
            raise Forbidden(action="order.capture_payment")
        order = _place(ctx, loaded, payment)
        taken.add(key)
    except Refusal as refusal:
        return {"number": _number(entry), **explained(refusal)}
    return {"number": order.number, "result": "PLACED", "order_id": order.id}


def explained(refusal: Refusal) -> dict[str, Any]:
    """Why one entry of many was refused."""
    found: dict[str, Any] = {"result": refusal.code, "message": refusal.sentence}
    if isinstance(refusal, InvalidInput):
        found["fields"] = dict(named_fields(refusal.details["fields"]))
    elif refusal.details:
        found["details"] = refusal.details
    return found


def named_fields(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """`{"lines": {0: {"sku": ["Missing."]}}}` → `lines.0.sku`, `Missing.`"""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            own = path if name == "_schema" else f"{path}.{name}".lstrip(".")
            yield from named_fields(inner, own)
    else:
        yield path, " ".join(str(each) for each in messages) if isinstance(messages, list) else str(messages)


def _number(entry: dict[str, Any]) -> str | None:
    number = entry.get("number")
    return number if isinstance(number, str) else None


def _place(ctx: Context, args: dict[str, Any], payment: dict[str, Any] | None = None) -> Order:
    """Nothing is kept before the last refusal: of many orders the others go on (I17)."""
    order_id = args.get("order_id")
    if order_id and ctx.exists(Order, order_id):
        raise OrderExists(order_id=order_id, number=args["number"])
    order = _build(ctx, order_id or ctx.new_id("ord"), args)
    order.rules = rules_of(ctx, order.marketplace)
    order.place()
    if payment:
        order.capture(payment, ctx.now)
    # first, so that whoever is told of a new customer's order already knows how to write to him
    _remember_contact(ctx, order.customer_ref, order.customer)
    if order.phase == "paid":
        _follow_payment(ctx, order, order.lines)
    ctx.save(order)
    ctx.save(
        Settlement(
            id=order.id, tenant=ctx.tenant, seller_id=order.seller_id, currency=order.currency, total=order.total
        )
    )
    return order


def _build(ctx: Context, order_id: str, args: dict[str, Any]) -> Order:
    customer = dict(args["customer"])
    prices = priced_lines(args["lines"], args["discount"])
    shipments = [
        {
            "shipment_id": given.get("shipment_id") or ctx.new_id("shp"),
            "gross": given["gross"],
            "taxes": taxes_of(given["gross"], given["taxes"]),
        }
        for given in args["shipping"]
    ]
    total = sum(price["gross"] for price in prices) + sum(each["gross"] for each in shipments)
    if total != args["total"]:
        raise TotalDoesNotAddUp(found=total, given=args["total"])
    return Order(
        id=order_id,
        tenant=ctx.tenant,
        number=args["number"],
        marketplace=args["marketplace"],
        profile=args["profile"],
        seller_id=args["seller_id"],
        customer_ref=customer.pop("ref"),
        customer=customer,
        currency=args["currency"],
        lines=[_line(ctx, given, price) for given, price in zip(args["lines"], prices, strict=True)],
        shipments=shipments,
        total=total,
        placed_at=args.get("placed_at", ctx.now),
        updated_at=ctx.now,
    )


def _line(ctx: Context, given: dict[str, Any], price: dict[str, Any]) -> Line:
    return Line(
        line_id=given.get("line_id") or ctx.new_id("lin"),
        product_id=given["product_id"],
        sku=given["sku"],
        title=given["title"],
        ordered=given["quantity"],
        unshipped=given["quantity"],
        supplier_id=given.get("supplier_id"),
        linked_line_id=given.get("linked_line_id"),
        covers=given.get("covers"),
        wear=given.get("wear"),
        **price,
    )


def _remember_contact(ctx: Context, ref: str, details: dict[str, Any]) -> None:
    """Announce how to reach the customer, on the private exchange, when it is new or changed."""
    id = contact_id(ctx.tenant, ref)
    contact = ctx.get(Contact, id) or Contact(id=id, tenant=ctx.tenant, party="customer", ref=ref, details={})
    if contact.update(details):
        ctx.save(contact)


def contact_id(tenant: str, ref: str) -> str:
    return f"{tenant}:customer:{ref}"[:64]


def capture_payment(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-02, ORD-03; and the money for what was added (ORD-13)."""
    order = for_change(ctx, args["order_id"], "capture_payment")
    payment = {name: args[name] for name in ("payment_id", "provider", "provider_ref", "amount", "instrument")}
    capture(ctx, order, payment)
    return keep(ctx, order)


def capture(ctx: Context, order: Order, payment: dict[str, Any], by_link: bool = False) -> None:
    """Money arrived for this order, loaded with its rules; whoever calls saves the order."""
    before = order.phase
    added = [line for line in order.lines if line.unpaid]
    order.capture(payment, ctx.now, by_link=by_link)
    settlement = ctx.need(Settlement, order.id)
    if not order.amount_due and settlement.total != order.total:
        settlement.total = order.total  # what was added is the seller's too, now that it is paid
        ctx.save(settlement)
    if before == "awaiting_payment" and order.phase == "paid":
        _follow_payment(ctx, order, order.lines)
    elif not order.amount_due:
        _follow_payment(ctx, order, added)


def _follow_payment(ctx: Context, order: Order, lines: list[Line]) -> None:
    """What begins when these lines are paid. The caller saves the order."""
    entitling.activate_what_was_bought(ctx, order, lines)
    reminding.forget_what_is_bought_again(ctx, order, lines)


def add_line(ctx: Context, args: dict[str, Any]) -> View:
    """ORD-13, S4-05. How the customer pays for it is the payment request's to say."""
    order = for_change(ctx, args["order_id"], "add_line")
    given = args["line"]
    (price,) = priced_lines([given], 0)
    order.add_line(_line(ctx, given, price), args["currency"])
    return keep(ctx, order)


def withdraw_line(ctx: Context, args: dict[str, Any]) -> View:
    """What was added and never paid leaves again."""
    order = for_change(ctx, args["order_id"], "withdraw_line")
    order.withdraw_line(args["line_id"])
    return keep(ctx, order)
