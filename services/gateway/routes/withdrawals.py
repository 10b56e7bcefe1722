"""Withdrawing from a contract in two steps: the statement, and its explicit confirmation (2011/83 article 11a)."""

from __future__ import annotations

from functools import partial

from services.gateway.claim_views import Withdrawal
from services.gateway.table import Route
from shared.contracts import withdrawal as contract

write = partial(Route, "POST", tag="withdrawals", scope="claims:write", view=Withdrawal())
ONE = "/v1/withdrawals/{withdrawal_id}"

ROUTES = (
    write(
        "/v1/orders/{order_id}/withdrawals",
        "Withdraw from contract here: say from what",
        contract.STATE,
        status=201,
        location="/v1/withdrawals/{id}",
    ),
    write(f"{ONE}:confirm", "Confirm the withdrawal: the receipt follows by mail", contract.CONFIRM),
    Route("GET", ONE, "A withdrawal", contract.GET, "claims:read", Withdrawal(), tag="withdrawals"),
)
