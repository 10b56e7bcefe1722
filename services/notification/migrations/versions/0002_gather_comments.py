"""gather comments that follow one another (NTF-02)"""

import sqlalchemy as sa
from alembic import op

import shared.storage.types

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "digest",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("prev", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("until", shared.storage.types.Utc(timezone=True), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
