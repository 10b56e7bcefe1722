"""The gateway on the joined services, as its own tests have it."""

from tests.gateway.conftest import api, api_of  # noqa: F401
