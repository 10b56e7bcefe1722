"""Coupons and store credit: giving them out, spending, lapse and revocation (S4-09, T23)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from services.refund import queries
from services.refund.access import rules_of
from services.refund.model import Coupon, Refund, RefundLedger
from services.refund.policies import may, sees
from services.refund.storage import save_ledger
from services.refund.views import coupon_view
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.ids import ALPHABET
from shared.runtime.timers import Timer
from shared.runtime.unit_of_work import Context

CODE_LENGTH = 16  # of 32 letters: 80 bits, beyond guessing at any rate that the gateway lets through


def issue_coupon(ctx: Context, ledger: RefundLedger, refund: Refund) -> Coupon:
    """REF-09 of a refund by promise: what was reserved is a liability from now on."""
    code, expires_at = None, None
    if refund.instrument == "coupon":
        text = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        code = text, hashed(text)
        expires_at = ctx.now + timedelta(days=rules_of(ctx, ledger.profile).coupon_days)
    coupon = Coupon.issue(ctx.new_id("cpn"), refund, code, expires_at, ctx.now)
    if expires_at is not None:
        ctx.schedule("coupon_expires", coupon.id, expires_at)
    ctx.save(coupon)
    return coupon


def redeem_coupon(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Spend it, in part or whole; two at once never spend the same cent twice: the row's version decides."""
    coupon = queries.coupon_with(ctx, hashed(args["code"])) if "code" in args else ctx.get(Coupon, args["coupon_id"])
    coupon, ledger = _mine(ctx, coupon, "redeem")
    money = args.get("amount")
    currency = money["currency"] if money else coupon.currency
    coupon.redeem(ledger, money["amount"] if money else None, currency, args["used_for"], ctx.now)
    if coupon.state == "used":
        ctx.unschedule("coupon_expires", coupon.id)
    return _saved(ctx, coupon, ledger)


def revoke_coupon(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """The unused part is refundable again, by another way."""
    coupon, ledger = _mine(ctx, ctx.get(Coupon, args["coupon_id"]), "revoke")
    ctx.check_version(coupon)
    refund = ctx.need(Refund, coupon.refund_id)
    coupon.revoke(ledger, refund, ctx.now)
    if refund.state == "reversed":
        refund.updated_at = ctx.now
        ctx.save(refund)
    ctx.unschedule("coupon_expires", coupon.id)
    return _saved(ctx, coupon, ledger)


def expire_coupon(ctx: Context, timer: Timer) -> None:
    """Its time is over; one that was spent or revoked meanwhile is left alone."""
    coupon = ctx.need(Coupon, timer.ref)
    if coupon.state in ("issued", "partly_used"):
        ledger = ctx.need(RefundLedger, coupon.order_id)
        coupon.expire(ledger, ctx.now)
        _saved(ctx, coupon, ledger)


def hashed(code: str) -> str:
    """A code as people type it (spaces, hyphens, small letters) → its SHA-256."""
    plain = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def _mine(ctx: Context, coupon: Coupon | None, action: str) -> tuple[Coupon, RefundLedger]:
    """A foreign coupon is not found, whatever id or code was given (T01)."""
    if coupon is None or not sees(ctx.principal, coupon.seller_id, coupon.customer_ref):
        raise NotFound(kind="coupon")
    if not may(ctx.principal, action, coupon.seller_id):
        raise Forbidden(action=f"coupon.{action}")
    return coupon, ctx.need(RefundLedger, coupon.order_id)


def _saved(ctx: Context, coupon: Coupon, ledger: RefundLedger) -> dict[str, Any]:
    ctx.save(coupon)
    save_ledger(ctx, ledger)
    return coupon_view(coupon, ctx.principal)
