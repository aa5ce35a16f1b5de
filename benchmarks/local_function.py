"""The function and the handler beside it, in processes of their own, against the local AWS."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import PROJECT
from benchmarks.tls import tls_in_front_of
from local_aws import LocalAws

PYTHON = PROJECT / ".venv-lambda" / "bin" / "python"
PROGRAMS = PROJECT / "benchmarks" / "programs"
ROOTS = Path("code_interpreter_invoke", "models", "roots.pem")
BUCKET = "workspace-of-the-benchmarks"
# A process inherits the peak of its parent's memory; a shell's is small.
SHELL = ("sh", "-c", '"$0" "$@"; exit $?')


class LocalFunction:
    """Runs the programs of `programs` in the place of Lambda.

    The function's source has no byte code, as in its asset. Its own roots, and the bundle of the
    handler beside it, have the authority of the TLS endpoint besides their own certificates.
    """

    def __init__(self, directory: Path, endpoint: str, authority: str) -> None:
        self._asset = directory / "asset"
        shutil.copytree(
            PROJECT / "lambda" / "invoke", self._asset, ignore=shutil.ignore_patterns("__pycache__")
        )
        with (self._asset / ROOTS).open("a", encoding="utf-8") as roots:
            roots.write(authority)
        self._bundle = directory / "bundle.pem"
        whole = subprocess.run(
            [PYTHON, "-c", "import botocore.httpsession as http; print(http.get_cert_path(True))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        self._bundle.write_text(Path(whole).read_text(encoding="utf-8") + authority)
        self._endpoint = endpoint

    def run(self, program: str, *arguments: str, naive: bool = False, prefix: Any = ()) -> Any:
        """Run a program and return the JSON that it prints.

        :param naive: Whether it needs the bundle of the handler beside the function.
        :param prefix: A command that runs it.
        """
        done = self.start(program, *arguments, naive=naive, prefix=prefix)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def start(
        self, program: str, *arguments: str, naive: bool = False, prefix: Any = ()
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(self._asset), str(PROGRAMS)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "CODE_INTERPRETER_ID": "aws.codeinterpreter.v1",
            "WORKSPACE_BUCKET": BUCKET,
            "RECORDS_PREFIX": "sessions/workspace/benchmarks/",
            "SESSION_TIMEOUT_SECONDS": "900",
            "MALLOC_MMAP_THRESHOLD_": "1048576",  # as the construct sets it
        }
        if naive:
            environment["AWS_CA_BUNDLE"] = str(self._bundle)
        return subprocess.run(
            [*prefix, PYTHON, PROGRAMS / f"{program}.py", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@contextlib.contextmanager
def local_function(*, tls: bool = True) -> Iterator[LocalFunction]:
    """Yield the function against a local AWS.

    :param tls: Whether requests go over TLS. A sandbox does not trust the endpoint's authority, so
        it cannot use presigned URLs then.
    """
    with LocalAws() as aws, TemporaryDirectory() as temporary:
        directory = Path(temporary)
        client = aws.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        if not tls:
            yield LocalFunction(directory, aws.endpoint, "")
            return
        with tls_in_front_of(aws.endpoint, directory) as endpoint:
            yield LocalFunction(directory, endpoint.url, endpoint.authority)
