"""Payment requests as answered. No view tells the link: it goes to the customer's mailbox and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.order.invoicing.model import Identity
from services.order.paying.model import PaymentRequest
from services.order.policies import may
from shared.kernel.clock import stamp
from shared.kernel.principal import Principal


def request_view(request: PaymentRequest, who: Principal, now: datetime) -> dict[str, Any]:
    state = request.state_at(now)
    allowed = state == "issued" and may(who, "request_payment", request.seller_id)
    view = {
        "id": request.id,
        "version": request.version,
        "order_id": request.order_id,
        "order_number": request.order_number,
        "seller_id": request.seller_id,
        "customer_ref": request.customer_ref,
        "amount": {"amount": request.amount, "currency": request.currency},
        "purpose": request.purpose,
        "state": state,
        "issued_at": stamp(request.issued_at),
        "expires_at": stamp(request.expires_at),
        "attempts": request.attempt,
        "paid_at": stamp(request.paid_at) if request.paid_at else None,
        "allowed_actions": ["revoke"] if allowed else [],
    }
    if who.role != "customer":
        view |= {"provider": request.provider, "failure": request.failure}
    return view


def payable_view(request: PaymentRequest, identity: Identity | None, now: datetime) -> dict[str, Any]:
    """What whoever has the link may know: how much, to whom, for what. No name, no address, no line of the order."""
    details = identity.details if identity else {}
    return {
        "request_id": request.id,
        "state": request.state_at(now),
        "amount": request.amount,
        "currency": request.currency,
        "order_number": request.order_number,
        "purpose": request.purpose,
        "shop": details.get("trade_name") or details.get("legal_name"),
        "shop_email": details.get("email"),
        "expires_at": stamp(request.expires_at),
        "paid_at": stamp(request.paid_at) if request.paid_at else None,
        "locale": request.locale,
        "provider": request.provider if request.state in ("paying", "paid") else None,
        "url": request.provider_url if request.state == "paying" else None,
        "closing": request.closing,
        "failure": request.failure if request.state == "issued" else None,
    }
