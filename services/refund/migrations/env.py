"""Alembic's entry for the refund service."""

from shared.storage.migrate import environment

environment("refund")
