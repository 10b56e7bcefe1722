"""Sellers: the rate of issues that their customers report, and how far it is from the limit (S2-26, S2-27, N7)."""

from __future__ import annotations

from marshmallow import fields

from services.gateway.table import Route
from services.gateway.views import Labels, View
from shared.contracts import sla as contract
from shared.contracts.fields import Id, Whole


class Score(View):
    """Rates in per cent. reminder: what to show the seller. budget: further issues before the threshold."""

    seller_id = Id(required=True)
    rate = fields.String(required=True)
    issues = Whole(required=True)
    orders = Whole(required=True)
    interval = fields.Nested(contract.Interval, required=True)
    budget = Whole(required=True)
    forecast = fields.Nested(contract.Forecast, required=True)
    level = fields.String(required=True)
    reminder = fields.Nested(Labels, required=True)


ROUTES = (
    Route(
        "GET",
        "/v1/sellers/{seller_id}/score",
        "A seller's rate of reported issues, its interval, budget and forecast",
        contract.SELLER_SCORE,
        scope="claims:read",
        view=Score(),
        tag="claims",
    ),
)
