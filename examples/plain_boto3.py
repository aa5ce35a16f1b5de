"""boto3 alone, for a program that cannot have the client: the work of chart.py.

    make deploy
    python examples/plain_boto3.py [stack]

The program uses the stack `CodeInterpreter`, or another stack with the outputs
`InvokeFunctionName` and `WorkspaceBucketName`, in the account that the environment names: an AWS
profile, or the local AWS of `make local`, with `eval "$(make -s env)"`. It writes `chart.png`.
"""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import boto3
from botocore.config import Config

SALES = "month,revenue\nJan,1200\nFeb,1350\nMar,1280\nApr,1610\nMay,1750\nJun,1690\n"

PROGRAM = """
import matplotlib

matplotlib.use("Agg")
import pandas as pd

sales = pd.read_csv("sales.csv")
axes = sales.plot.bar(x="month", y="revenue", legend=False, title="Revenue")
axes.figure.savefig("chart.png")
print(f"best month: {sales.loc[sales.revenue.idxmax(), 'month']}")
"""

# A call takes up to 15 minutes, the function's default timeout. By default boto3 waits one minute,
# and some networks drop idle connections.
PATIENT = Config(read_timeout=15 * 60 + 10, tcp_keepalive=True)


def main(stack: str = "CodeInterpreter") -> None:
    outputs = outputs_of(stack)
    function, bucket = outputs["InvokeFunctionName"], outputs["WorkspaceBucketName"]
    s3 = boto3.client("s3")
    session = f"chart-{uuid.uuid4().hex}"
    folder = f"workspace/{session}"
    # Files below uploads/ are in the working directory of the session's sandbox.
    s3.put_object(Bucket=bucket, Key=f"{folder}/uploads/sales.csv", Body=SALES.encode())
    try:
        response = invoke(
            function,
            tool="execute_code",
            session=session,
            code=PROGRAM,
            output_filename="chart.png",
            # boto3 retries a call if its response is lost. With a key the program runs only once.
            idempotency_key=session,
        )
    finally:
        invoke(function, tool="stop_session", session=session)
    print(response["stdout"])
    [saved] = response["files_saved"]
    s3.download_file(bucket, f"{folder}/{saved}", "chart.png")


def outputs_of(stack: str) -> dict[str, str]:
    [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def invoke(function: str, **event: Any) -> dict[str, Any]:
    """Return the function's response; if it is not a success, print it and exit."""
    invocation = boto3.client("lambda", config=PATIENT).invoke(
        FunctionName=function, Payload=json.dumps(event)
    )
    response: dict[str, Any] = json.load(invocation["Payload"])
    if "FunctionError" in invocation or response["status"] != "ok":
        sys.exit(json.dumps(response, indent=2))
    return response


if __name__ == "__main__":
    main(*sys.argv[1:])
