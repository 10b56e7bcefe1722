"""The `aftersale` command. `aftersale` alone prints what it can do."""

from __future__ import annotations

import argparse
import logging
import os
import sys

SERVICES = ("order", "claim", "messaging", "refund", "notification", "gateway")


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and not getattr(arguments, "reads_own", False):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    if arguments.command is None:
        parser.print_help()
        return 0
    if arguments.command in ("run", "demo"):
        _make_green()
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "WARNING" if arguments.command == "demo" else "INFO"),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("amqp", "nameko", "urllib3", "stripe", "alembic.runtime.plugins"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return arguments.run(arguments)


def _make_green() -> None:
    """Sockets, threads and psycopg2 must be cooperative before anything that uses them is imported."""
    import warnings

    warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated.*")
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
    import eventlet

    eventlet.monkey_patch()
    from shared.edge.waiting import wait_in_the_kernel_first

    wait_in_the_kernel_first()


def _without_cryptography() -> None:
    """Between gateway and services tokens are HMACs. PyJWT would load `cryptography` all the same, 9 MB a process."""
    sys.modules["cryptography"] = None  # type: ignore[assignment]
    import jwt  # noqa: F401

    del sys.modules["cryptography"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aftersale", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    some = commands.add_parser("run", help="run services; broker and databases from the environment")
    some.add_argument("services", nargs="+", choices=SERVICES, metavar="SERVICE")
    some.set_defaults(run=_run)
    migrate = commands.add_parser("migrate", help="bring the databases of services to the newest schema")
    migrate.add_argument("services", nargs="*", metavar="SERVICE")
    migrate.set_defaults(run=_migrate)
    demo = commands.add_parser("demo", help="the whole suite in one process, with demo data; PORT and DATA_DIR move it")
    demo.set_defaults(run=_demo)
    mail = commands.add_parser("mail-in", help="take mail from outside: SMTP, a mailbox, a webhook")
    mail.set_defaults(run=_mail_in)
    doctor = commands.add_parser("doctor", help="what this machine and these settings lack, with remedies")
    doctor.set_defaults(run=_doctor)
    for name, run, help in (
        ("story", _story, "walk one sale through a running suite, and check it"),
        ("topology", _topology, "declare what stands on the broker, or compare it"),
        ("deadletters", _deadletters, "events and jobs that gave up: look, redrive, skip"),
        ("audit", _audit, "is what the event logs hold still what was sealed?"),
        ("casefile", _casefile, "verify the signed file of a case"),
        ("replay", _replay, "past events of a service to one queue"),
        ("profile", _profile, "claim profiles: check, try out on past claims, activate"),
        ("import", _import, "orders from a file: JSON Lines or CSV, ours, Mirakl's or Shopify's"),
        ("simulator", _simulator, "payment providers and a mail catcher, simulated"),
    ):
        # these read their own arguments, --help included, so that what they need is imported only when they run
        commands.add_parser(name, help=help, add_help=False).set_defaults(run=run, reads_own=True)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    if "gateway" not in arguments.services:
        _without_cryptography()
    from shared.edge import runner
    from shared.ops.settings import Settings

    runner.check_environment()
    return runner.run(arguments.services, Settings.from_environment())


def _mail_in(arguments: argparse.Namespace) -> int:
    from services.mailin.process import run
    from shared.ops.settings import Settings

    return run(Settings.from_environment())


def _demo(arguments: argparse.Namespace) -> int:
    from services.demo.demo import run

    return run()


def _story(arguments: argparse.Namespace) -> int:
    from services.demo.walk import main as story

    return story(arguments.rest)


def _doctor(arguments: argparse.Namespace) -> int:
    from services.commands.doctor import main as doctor

    return doctor()


def _migrate(arguments: argparse.Namespace) -> int:
    from shared.ops.settings import SERVICES as WITH_DATA
    from shared.ops.settings import Settings
    from shared.storage.migrate import migrate

    settings = Settings.from_environment()
    for name in arguments.services or WITH_DATA:
        migrate(name, settings.database_url(name), report=print)
    return 0


def _deadletters(arguments: argparse.Namespace) -> int:
    from services.commands.deadletters import main as deadletters

    return deadletters(arguments.rest)


def _audit(arguments: argparse.Namespace) -> int:
    from services.commands.audit import main as audit

    return audit(arguments.rest)


def _casefile(arguments: argparse.Namespace) -> int:
    from services.commands.casefile import main as casefile

    return casefile(arguments.rest)


def _replay(arguments: argparse.Namespace) -> int:
    from services.commands.replay import main as replay

    return replay(arguments.rest)


def _import(arguments: argparse.Namespace) -> int:
    from services.commands.importing import main as importing

    return importing(arguments.rest)


def _topology(arguments: argparse.Namespace) -> int:
    from shared.edge.topology import main as topology

    return topology(arguments.rest)


def _profile(arguments: argparse.Namespace) -> int:
    from services.commands.profile import main as profile

    return profile(arguments.rest)


def _simulator(arguments: argparse.Namespace) -> int:
    from services.simulator.__main__ import main as simulator

    return simulator(arguments.rest) or 0


if __name__ == "__main__":
    sys.exit(main())
