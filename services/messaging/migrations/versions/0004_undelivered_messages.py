"""A message says whom it did not reach by mail (B14)."""

import sqlalchemy as sa
from alembic import op

import shared.storage.types

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("message", sa.Column("undelivered", shared.storage.types.Json(), nullable=False, server_default="[]"))
