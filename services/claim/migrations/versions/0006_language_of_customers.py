"""Texts that the suite writes into a conversation are in the customer's language."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("order_case", sa.Column("locale", sa.String(8)))
