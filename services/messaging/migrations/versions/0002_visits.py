"""Who has a conversation or its claim open (B15)."""

import sqlalchemy as sa
from alembic import op

import shared.storage.types

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "visit",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("version", big, nullable=False),
        sa.Column("prev", big, nullable=False),
        sa.Column("seq", big, nullable=False),
        sa.Column("told", shared.storage.types.Json(), nullable=False),
        sa.Column("thread_id", sa.String(64), nullable=False),
        sa.Column("author_type", sa.String(20), nullable=False),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("updated_at", shared.storage.types.Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("visit_of_thread", "visit", ["thread_id", "updated_at"])
