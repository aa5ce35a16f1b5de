"""The steps of the demo: requests to the deployed invoke function, with checks of the responses."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str], None]

PROGRAMS = Path(__file__).with_name("programs")
SESSION = "demo"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class DemoError(Exception):
    """A step of the demo failed."""


@dataclass(frozen=True)
class Deployment:
    """The deployed stack as its users see it: a function to invoke and a bucket."""

    lambda_client: Any
    s3_client: Any
    function_name: str
    bucket_name: str

    def invoke(self, **event: Any) -> dict[str, Any]:
        """Invoke the function and return its response, which may report an error."""
        invocation = self.lambda_client.invoke(
            FunctionName=self.function_name, Payload=json.dumps(event)
        )
        response: dict[str, Any] = json.loads(invocation["Payload"].read())
        if "FunctionError" in invocation:
            raise DemoError(f"the function failed: {response.get('errorMessage', response)}")
        return response

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool in the demo's session.

        :raises DemoError: if the response is not a success.
        """
        response = self.invoke(tool=tool, session=SESSION, **arguments)
        if response["status"] != "ok":
            raise DemoError(f"{tool} failed: {json.dumps(response, indent=2)}")
        return response

    def run(self, program: str, **arguments: Any) -> dict[str, Any]:
        """Execute one of the demo's programs."""
        return self.call("execute_code", code=(PROGRAMS / program).read_text(), **arguments)


def steps(deployment: Deployment, output: Path) -> list[tuple[str, Callable[[Say], None]]]:
    """Return each step's name and function; the functions print with `say`."""
    d = deployment
    return [
        (
            "Analyze data with pandas",
            lambda say: run_program(d, say, "analysis.py", expected="Profit margin"),
        ),
        ("Draw a dashboard with matplotlib", lambda say: draw_dashboard(d, say, output)),
        (
            "Train a model with scikit-learn",
            lambda say: run_program(d, say, "iris.py", expected="accuracy"),
        ),
        (
            "Query data with SQL and DuckDB",
            lambda say: run_program(d, say, "customers.py", expected="Customer_19"),
        ),
        ("Share variables and a file between three requests", lambda say: share_state(d, say)),
        ("Upload a ZIP file and read it in the sandbox", lambda say: upload_zip(d, say)),
        ("Run a shell command and save the sandbox's files", lambda say: save_files(d, say)),
        ("Run a failing program and go on in its session", lambda say: fail_and_go_on(d, say)),
    ]


def run_program(deployment: Deployment, say: Say, program: str, expected: str) -> None:
    response = deployment.run(program)
    say(response["stdout"])
    check(expected in response["stdout"], f"{program} did not print {expected!r}")


def draw_dashboard(deployment: Deployment, say: Say, output: Path) -> None:
    response = deployment.run("dashboard.py", output_filename="dashboard.png")
    say(response["stdout"])
    say(f"saved to the workspace: {', '.join(response['files_saved'])}")
    saved = deployment.call("workspace_read", path="code-interpreter/dashboard.png")
    image = base64.b64decode(saved["content"])
    stored = deployment.s3_client.get_object(
        Bucket=deployment.bucket_name, Key=f"workspace/{SESSION}/code-interpreter/dashboard.png"
    )
    check(image.startswith(PNG_SIGNATURE), "dashboard.png is not a PNG image")
    check(image == stored["Body"].read(), "workspace_read returned other bytes than the bucket has")
    output.mkdir(exist_ok=True)
    (output / "dashboard.png").write_bytes(image)
    say(f"downloaded to {output.name}/dashboard.png ({len(image):,} bytes)")


def share_state(deployment: Deployment, say: Say) -> None:
    for program in ("monthly_load.py", "monthly_analyze.py", "monthly_export.py"):
        say(deployment.run(program)["stdout"])
    response = deployment.call("file_operations", operation="read", paths=["monthly.csv"])
    say(f"read with file_operations:\n{response['files'][0]['content']}")


def upload_zip(deployment: Deployment, say: Say) -> None:
    key = f"workspace/{SESSION}/uploads/survey.zip"
    deployment.s3_client.put_object(Bucket=deployment.bucket_name, Key=key, Body=survey_zip())
    say(f"uploaded to s3://{deployment.bucket_name}/{key}")
    run_program(deployment, say, "survey.py", expected="50 responses")


def survey_zip() -> bytes:
    rows = "\n".join(f"{number},{number % 5 + 1}" for number in range(50))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("responses.csv", f"respondent,score\n{rows}\n")
        archive.writestr("README.txt", "How satisfied are you, from 1 to 5?\n")
    return buffer.getvalue()


def save_files(deployment: Deployment, say: Say) -> None:
    response = deployment.call(
        "execute_command", command="python --version && pip list 2>/dev/null | head"
    )
    say(response["stdout"])
    check("Python 3" in response["stdout"], "python --version did not print a version")
    saved = deployment.call("ci_push_to_workspace")
    say(f"saved to the workspace: {', '.join(saved['files_saved'])}")
    files = deployment.call("workspace_list")["files"]
    say("\n".join(f"{file['size']:>10,}  {file['path']}" for file in files))
    paths = {file["path"] for file in files}
    check("code-interpreter/monthly.csv" in paths, "monthly.csv is not in the workspace")
    check("uploads/survey.zip" in paths, "survey.zip is not in the workspace")


def fail_and_go_on(deployment: Deployment, say: Say) -> None:
    code = (PROGRAMS / "failing.py").read_text()
    failure = deployment.invoke(tool="execute_code", session=SESSION, code=code)
    check(failure["status"] == "error", "the failure was reported as a success")
    say(f"{failure['status']}, {failure['error']['type']}, exit code {failure['exit_code']}")
    say(failure["stdout"])
    say(failure["stderr"])
    check("ZeroDivisionError" in failure["stderr"], "stderr does not have the exception")
    following = deployment.call("execute_code", code="print(len(df), 'rows are still in memory')")
    say(following["stdout"])
    check("100 rows" in following["stdout"], "the session lost its variables")


def check(condition: bool, message: str) -> None:
    """Raise DemoError with the message unless the condition holds."""
    if not condition:
        raise DemoError(message)
