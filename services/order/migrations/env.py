"""Alembic's entry for the order service."""

from shared.storage.migrate import environment

environment("order")
