"""Brings a service's database to its newest schema with Alembic, and says what it does."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared.storage.append_only import protect
from shared.storage.engine import Database
from shared.storage.tables import APPEND_ONLY

ROOT = Path(__file__).resolve().parents[2]


def migrate(service: str, url: str, report: Callable[[str], None] = lambda line: None) -> None:
    """Apply every migration that is missing. Safe to run again, and from several processes at once."""
    database = Database(url, pool_size=1)
    try:
        with database.engine.connect() as connection:
            before = MigrationContext.configure(connection).get_current_revision()
        head = ScriptDirectory.from_config(configuration(service)).get_current_head()
        if before == head:
            report(f"{service}: schema is at {head}, nothing to do")
            return
        report(f"{service}: schema {before or 'empty'} → {head}")
        with database.transaction() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql("set local statement_timeout = 0")
                connection.exec_driver_sql("set local lock_timeout = '60s'")
                connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('aftersale-migrate'))")
            config = configuration(service)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            for table in APPEND_ONLY:
                protect(connection, table)
        report(f"{service}: done")
    finally:
        database.dispose()


def configuration(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def environment(service: str) -> None:
    """The body of every service's migrations/env.py."""
    from alembic import context

    metadata = importlib.import_module(f"services.{service}.storage").metadata
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
