"""Run a local AWS until Ctrl-C.

python -m local_aws [--port 4566] [--no-authorization] [--quiet] [--libraries full]
python -m local_aws --port 4566 --env
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from local_aws import LocalAws, LocalAwsError
from local_aws.interrupts import Interrupted, raise_when_interrupted
from local_aws.local_aws import HOST, MAX_PORT, environment_variables, wrong_port

PORT = 4566


def main(prepare: Callable[[LocalAws], None] | None = None) -> int:
    """Run the command.

    :param prepare: Called before the activity is shown.
    """
    parser = argparse.ArgumentParser(
        prog="python -m local_aws", description="Run a local AWS until Ctrl-C."
    )
    parser.add_argument("--port", default=str(PORT), help="0 for any free port (default: 4566)")
    parser.add_argument(
        "--no-authorization",
        dest="authorization",
        action="store_false",
        help="allow every call, whatever the IAM policies say",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="show neither requests nor the functions' logs"
    )
    parser.add_argument(
        "--libraries",
        metavar="NAME",
        default="basic",
        help="basic (default), or full: those of the service, which a checkout installs, once",
    )
    parser.add_argument(
        "--env",
        action="store_true",
        help="only print the variables for a local AWS that runs on the port",
    )
    arguments = parser.parse_args()
    try:
        port = parse_port(arguments.port)
        if arguments.env:
            print_environment(port)
            return 0
        raise_when_interrupted()
        with (
            ThreadPoolExecutor() as reader,
            LocalAws(
                port=port,
                authorization=arguments.authorization,
                libraries=arguments.libraries,
                show_activity=not arguments.quiet,
            ) as aws,
        ):
            write(welcome(aws))
            if prepare is None:
                aws.wait(write)
            else:
                wait_and_prepare(aws, prepare, reader)
    except Interrupted:
        return 0
    except LocalAwsError as error:
        sys.stderr.write(f"error: {error}\n")
    return 1


def wait_and_prepare(
    aws: LocalAws, prepare: Callable[[LocalAws], None], reader: ThreadPoolExecutor
) -> None:
    """Wait for as long as the server runs. Its activity is read from the start, and then shown."""
    is_prepared = False

    def show(line: str) -> None:
        if is_prepared:
            write(line)

    waiting = reader.submit(aws.wait, show)
    prepare(aws)
    is_prepared = True
    waiting.result()


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def parse_port(text: str) -> int:
    """Return the number of a port.

    :raises LocalAwsError: if it is none.
    """
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise wrong_port(text)
    return int(text)


def print_environment(port: int) -> None:
    """Print the variables for the local AWS on a port, and a note if none runs there.

    :raises LocalAwsError: if the port is 0.
    """
    if port == 0:
        raise LocalAwsError(
            "port is 0, but it must be that of a running local AWS, which make local shows"
        )
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        sys.stderr.write(
            f"note: no local AWS runs on port {port}: start it in another terminal, with "
            f"make local PORT={port}\n"
        )
    sys.stdout.write(exports(environment_variables(f"http://{HOST}:{port}")))


def exports(variables: dict[str, str]) -> str:
    return "".join(f"export {name}={value}\n" for name, value in variables.items())


def welcome(aws: LocalAws) -> str:
    return (
        f"{exports(aws.environment())}\n"
        "# A local AWS is running. Paste the lines above into another shell to use it with cdk,\n"
        "# aws and boto3. Ctrl-C here stops it and deletes everything in it.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
