"""Alembic's entry for the notification service."""

from shared.storage.migrate import environment

environment("notification")
