"""`aftersale doctor`: what this machine and these settings lack, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from shared.ops.settings import SERVICES, Settings

LEAST_PYTHON = (3, 11)
LEAST_FREE = 200 * 1024 * 1024  # bytes of disk: below, SQLite fails in the middle of somebody's refund
PATIENCE = 3.0  # seconds for a server to answer


class Finding(NamedTuple):
    """remedy: empty when all is well."""

    what: str
    remedy: str = ""


def main() -> int:
    """Examine everything and say it; 1 when something needs a remedy."""
    sick = 0
    for finding in examine(Settings.from_environment()):
        sick += bool(finding.remedy)
        print(f"{'TO DO' if finding.remedy else 'ok   '}  {finding.what}")
        if finding.remedy:
            print(f"       → {finding.remedy}")
    print(f"\n{sick} to do." if sick else "\nAll is well.")
    return 1 if sick else 0


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding after the other, in the order in which they would stop a start."""
    yield _python()
    yield _packages()
    yield _port(settings)
    if settings.database:
        yield from _databases(settings)
    else:
        yield _data_folder(settings.data_dir)
    if settings.amqp_uri:
        yield from _broker(settings.amqp_uri)
    else:
        yield Finding("no broker is configured (AMQP_URI): `aftersale demo` joins the services directly")


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return Finding(f"Python {found}", "install Python 3.11 or later and remake the environment: make clean run")
    return Finding(f"Python {found}")


def _packages() -> Finding:
    """Is every declared dependency installed? Its version is the lock file's business."""
    try:
        declared = importlib.metadata.requires("aftersale") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding("the package aftersale is not installed", "make run installs it into its own environment")
    names = [re.split(r"[\s\[<>=!;~]", each)[0] for each in declared if "extra ==" not in each]
    missing = [name for name in names if not _installed(name)]
    if missing:
        return Finding(f"not installed: {', '.join(missing)}", "pip install --require-hashes -r requirements.lock")
    return Finding(f"{len(names)} packages are installed")


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _port(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as failed:
            remedy = f"stop what listens there, or choose another: PORT={settings.port + 1}"
            return Finding(f"port {settings.port} on {settings.host} cannot be used: {failed.strerror}", remedy)
    return Finding(f"port {settings.port} is free")


def _data_folder(folder: Path) -> Finding:
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        probe = there / ".aftersale-doctor"
        probe.touch()
        probe.unlink()
    except OSError as failed:
        return Finding(f"{there} cannot be written: {failed.strerror}", "name another folder: DATA_DIR=…")
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE:
        what = f"only {free // 1024**2} MB are free at {there}"
        return Finding(what, "free some space, or name another folder: DATA_DIR=…")
    return Finding(f"data folder {folder.absolute()}, {free // 1024**3} GB free")


def _databases(settings: Settings) -> Iterator[Finding]:
    """Every service's database where the URL has {service} in it; else the one database of the one service."""
    for name in SERVICES if "{service}" in (settings.database or "") else ("",):
        yield _database(name, settings.database_url(name))


def _database(service: str, url: str) -> Finding:
    import sqlalchemy as sa

    from shared.storage.engine import Database, WrongDriver
    from shared.storage.schema import behind

    shown = sa.engine.make_url(url).render_as_string(hide_password=True)
    try:
        database = Database(url, pool_size=1)
        with database.engine.connect() as connection:
            late = behind(service, connection) if service else None
    except WrongDriver as wrong:
        return Finding(f"database {shown}: the driver {wrong}", "use postgresql://…, which takes psycopg2")
    except sa.exc.SQLAlchemyError as failed:
        reason = str(getattr(failed, "orig", failed)).strip().splitlines()[0]
        return Finding(f"database {shown}: {reason}", "is the server up, and are name, user and password right?")
    database.dispose()
    if late:
        what, _, remedy = late.partition(": ")
        return Finding(what, remedy)
    return Finding(f"database {shown}{' has the newest schema' if service else ' answers'}")


def _broker(uri: str) -> Iterator[Finding]:
    """Does the broker let this user in, and is everything there that the user's service needs?"""
    from urllib.parse import urlsplit

    import amqp

    from shared.edge import topology_plan, topology_seen

    parts = urlsplit(uri)
    shown, connect = f"{parts.hostname} as {parts.username}", topology_seen.connector(uri, PATIENCE)
    try:
        with closing(connect()):
            pass
    except (OSError, amqp.exceptions.AMQPError) as failed:
        reason = str(failed) or type(failed).__name__
        yield Finding(f"broker {shown}: {reason}", "is RabbitMQ up, and are user, password and virtual host right?")
        return
    yield Finding(f"broker {shown} answers")
    if parts.username in topology_plan.load().writes:
        yield _topology(lambda: topology_seen.check_passively(connect, str(parts.username)), str(parts.username))


def _topology(check: Callable[[], list[str]], service: str) -> Finding:
    if missing := check():
        return Finding(f"topology of {service}: {'; '.join(missing)}", "aftersale topology apply")
    return Finding(f"topology of {service} is as written")
