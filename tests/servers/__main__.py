"""Start the servers, print the variables that name them, stop on Ctrl-C."""

import signal
import sys

from tests.servers import ServerError, obtain

try:
    with obtain() as servers:
        print(f"# {servers.describe()}; Ctrl-C stops them")
        for name, value in servers.environment().items():
            print(f"export {name}={value}", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.pause()
except KeyboardInterrupt:
    print("# stopped")
except ServerError as error:
    sys.exit(f"test servers: {error}")
