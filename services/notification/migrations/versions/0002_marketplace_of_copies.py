"""Mails give dates in the time zone of the marketplace; of what was there before, in that of the suite."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for table in ("claim_copy", "order_copy"):
        op.add_column(table, sa.Column("marketplace", sa.String(64), nullable=False, server_default=""))
