"""Conversations about an offer are listed as such (S0-01)."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("thread", sa.Column("offer_id", sa.String(64)))
    op.create_index("thread_of_offer", "thread", ["offer_id", "id"])
