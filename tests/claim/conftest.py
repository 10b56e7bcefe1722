"""The shop of the claim journeys."""

from __future__ import annotations

import pytest

from tests.claim.shop import Shop


@pytest.fixture
def shop(suite_of) -> Shop:
    return Shop(suite_of("order", "claim"))
