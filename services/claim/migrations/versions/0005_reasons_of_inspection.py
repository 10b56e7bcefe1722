"""A return keeps per line why its units are not good (RET-06)."""

import sqlalchemy as sa
from alembic import op

import shared.storage.types

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("claim_return", sa.Column("reasons", shared.storage.types.Json()))
