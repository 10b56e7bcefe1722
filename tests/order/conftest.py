"""The gateway on the joined services, as its own tests have it."""

import pytest

from tests.documents import PACKAGES, has_pango
from tests.gateway.conftest import api, api_of  # noqa: F401


@pytest.fixture(scope="session")
def pango() -> None:
    if not has_pango():
        pytest.skip(f"no PDF can be made here: apt-get install {' '.join(PACKAGES)}")
