"""`aftersale casefile verify FILE`: is this the file of a case as it was signed? (N12)"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from shared.ops.signed_file import NotGenuine, verify


def main(argv: list[str]) -> int:
    """0 when the file is genuine, 1 when it is not; the reason is told."""
    parser = argparse.ArgumentParser(prog="aftersale casefile", description=__doc__)
    parser.add_argument("action", choices=("verify",))
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", help="the public key that must have signed it (base64); without: any key")
    options = parser.parse_args(argv)
    try:
        said = verify(options.file.read_bytes(), options.key)
    except (NotGenuine, OSError) as wrong:
        print(f"{options.file}: not genuine: {wrong}", file=sys.stderr)
        return 1
    print(f"{options.file}: genuine: claim {said['number']} for {said['audience']}, as of {said['as_of']}")
    for each in said["files"]:
        print(f"  {each['sha256']}  {each['name']}")
    print(f"signed by {said['public_key']}{'' if options.key else ' (compare it with the key you were given)'}")
    return 0
