"""Run a local AWS until Ctrl-C.

python -m local_aws [--port 4566] [--no-authorization]
"""

from __future__ import annotations

import argparse
import sys

from local_aws import LocalAws, LocalAwsError
from local_aws.interrupts import Interrupted, raise_when_interrupted

PORT = 4566


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws", description="Run a local AWS until Ctrl-C."
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="0 for any free port (default: 4566)"
    )
    parser.add_argument(
        "--no-authorization",
        dest="authorization",
        action="store_false",
        help="allow every call, whatever the IAM policies say",
    )
    arguments = parser.parse_args()
    raise_when_interrupted()
    try:
        with LocalAws(port=arguments.port, authorization=arguments.authorization) as aws:
            sys.stdout.write(welcome(aws))
            sys.stdout.flush()
            aws.wait()
    except Interrupted:
        return 0
    except LocalAwsError as error:
        sys.stderr.write(f"error: {error}\n")
    return 1


def welcome(aws: LocalAws) -> str:
    exports = "\n".join(f"export {name}={value}" for name, value in aws.environment().items())
    return (
        f"{exports}\n\n"
        "# A local AWS is running. Paste the lines above into another shell to use it with cdk,\n"
        "# aws and boto3. Ctrl-C here stops it and deletes everything in it.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
