"""Run a local AWS until Ctrl-C.

python -m local_aws [--port 4566] [--no-authorization] [--quiet] [--libraries full]
python -m local_aws --port 4566 --env
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from local_aws import LocalAws, LocalAwsError
from local_aws.interpreters import LIBRARIES
from local_aws.interrupts import Interrupted, raise_when_interrupted
from local_aws.local_aws import HOST, environment_variables

PORT = 4566


def main(prepare: Callable[[LocalAws], None] | None = None) -> int:
    """Run the command.

    :param prepare: Called before the activity is shown.
    """
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
    parser.add_argument(
        "--quiet", action="store_true", help="show neither requests nor the functions' logs"
    )
    parser.add_argument(
        "--libraries",
        choices=LIBRARIES,
        default="basic",
        help="full gives sandboxes the libraries of the service; a checkout installs them, once",
    )
    parser.add_argument(
        "--env",
        action="store_true",
        help="only print the variables for a local AWS that runs on the port",
    )
    arguments = parser.parse_args()
    if arguments.env:
        return print_environment(arguments.port)
    raise_when_interrupted()
    try:
        with (
            ThreadPoolExecutor() as reader,
            LocalAws(
                port=arguments.port,
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


def print_environment(port: int) -> int:
    if port == 0:
        sys.stderr.write("error: port is 0, but it must be that of a running local AWS\n")
        return 1
    sys.stdout.write(exports(environment_variables(f"http://{HOST}:{port}")))
    return 0


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
