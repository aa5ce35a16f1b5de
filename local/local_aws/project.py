"""`make local`: a local AWS with the project's stack, in which the client works at once.

python -m local_aws.project [options of python -m local_aws]
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local_aws.__main__ import main, write
from local_aws.cdk import Cdk, CdkError

if TYPE_CHECKING:
    from local_aws import LocalAws

READY = """
# The stack is deployed. In another shell, in the project's folder:
#   {prompt:<34} runs Python in a sandbox, line by line
#   {env:<34} exports the lines above, and extends PATH
#   code-interpreter --help            shows what else there is, with those variables

"""


def deploy(aws: LocalAws) -> None:
    """Deploy the project's stack with the CDK CLI."""
    write("# Deploying the stack with the CDK CLI, which takes about half a minute ...\n")
    with TemporaryDirectory(prefix="local-aws-project-") as home:
        cdk = Cdk(aws, Path(home))
        try:
            cdk.bootstrap()
            cdk.deploy()
        except CdkError as error:
            write(f"# The stack was not deployed, and the local AWS runs without it. {error}\n")
            return
    port = urlsplit(aws.endpoint).port
    env = f'eval "$(make -s env PORT={port})"'
    write(READY.format(prompt=f"make shell PORT={port}", env=env))


if __name__ == "__main__":
    sys.exit(main(deploy))
