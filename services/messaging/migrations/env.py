"""Alembic's entry for the messaging service."""

from shared.storage.migrate import environment

environment("messaging")
