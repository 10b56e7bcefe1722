"""A thread shows how many mails wait in its quarantine."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("inbound_mail_of_thread", "inbound_mail", ["thread_id", "received_at"])
    op.create_index("inbound_mail_of_order", "inbound_mail", ["order_id", "received_at"])
