"""Visits go when they are over (B15): those of before have no timer for it, and were over after two minutes."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("DELETE FROM visit")
