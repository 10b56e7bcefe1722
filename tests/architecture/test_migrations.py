"""What the migrations make is what the code expects, and running them again changes nothing."""

from __future__ import annotations

from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from shared.ops.settings import SERVICES
from shared.storage.engine import Database
from shared.storage.migrate import migrate
from shared.storage.schema import behind


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_make_exactly_the_tables_of_the_code(service, tmp_path):
    url = f"sqlite:///{tmp_path}/{service}.db"
    told: list[str] = []
    database = Database(url)
    with database.transaction() as connection:
        assert behind(service, connection) == f"the {service} database is empty: run `aftersale migrate {service}`"
    migrate(service, url, told.append)
    migrate(service, url, told.append)
    assert told[-1].endswith("nothing to do")
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, import_module(f"services.{service}.storage").metadata) == []
        assert behind(service, connection) is None
    database.dispose()
