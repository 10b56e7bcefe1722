"""A marketplace may list the tax codes that its orders name (M3)."""

import sqlalchemy as sa
from alembic import op

import shared.storage.types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("marketplace", sa.Column("tax_codes", shared.storage.types.Json()))
