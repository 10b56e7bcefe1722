"""python -m services.simulator: both parts in one process, until SIGTERM."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from services.simulator.handle import Ports
from services.simulator.process import Options, serve


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--provider-port", type=int, default=8010, help="Stripe, PayPal and /_control; 0: any free")
    parser.add_argument("--smtp-port", type=int, default=1025, help="mail comes in here; 0: any free")
    parser.add_argument("--mail-port", type=int, default=8025, help="mails are read here; 0: any free")
    parser.add_argument("--data", type=Path, help="folder that keeps the state over restarts (default: memory)")
    parser.add_argument("--public-url", help="where browsers reach the provider port (default: as it listens)")
    parser.add_argument("--until-stdin-closes", action="store_true", help="also end when the parent process does")
    return parser.parse_args(argv)


def _announce(host: str, ports: Ports) -> None:
    print(json.dumps({"host": host, **ports._asdict()}), flush=True)


async def _run(arguments: argparse.Namespace) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        await loop.connect_read_pipe(lambda: _EndOfInput(stop), sys.stdin)
    options = Options(arguments.host, arguments.provider_port, arguments.smtp_port, arguments.mail_port,
                      arguments.data, arguments.public_url)
    await serve(options, lambda ports: _announce(arguments.host, ports), stop)


class _EndOfInput(asyncio.Protocol):
    """Sets the event when the pipe closes."""

    def __init__(self, stop: asyncio.Event):
        self._stop = stop

    def connection_lost(self, error: Exception | None) -> None:
        self._stop.set()


def main(argv: list[str] | None = None) -> int:
    """Run until told to stop; 1 with a sentence when a port is taken."""
    arguments = _arguments(argv)
    try:
        asyncio.run(_run(arguments))
    except OSError as error:
        print(f"The simulator cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
