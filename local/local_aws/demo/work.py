"""What the demo asks of the deployed invoke function, and the checks on what comes back."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Say = Callable[[str], None]

PROGRAMS = Path(__file__).with_name("programs")
SESSION = "demo"
PNG = b"\x89PNG\r\n\x1a\n"


class DemoError(Exception):
    """A step of the demo did not give what it must."""


@dataclass(frozen=True)
class Deployment:
    """The deployed stack, seen as its users see it: a function to invoke and a bucket."""

    lambda_client: Any
    s3_client: Any
    function_name: str
    bucket_name: str

    def invoke(self, **event: Any) -> dict[str, Any]:
        """One tool call through the Lambda API."""
        response = self.lambda_client.invoke(
            FunctionName=self.function_name, Payload=json.dumps(event)
        )
        answer = json.loads(response["Payload"].read())
        if "FunctionError" in response:
            raise DemoError(f"the function failed: {answer.get('errorMessage', answer)}")
        return answer  # type: ignore[no-any-return]

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """A tool call in the demo's session that must succeed."""
        answer = self.invoke(tool=tool, session=SESSION, **arguments)
        if answer["status"] != "ok":
            raise DemoError(f"{tool} answered {json.dumps(answer, indent=2)}")
        return answer

    def run(self, program: str, **arguments: Any) -> dict[str, Any]:
        return self.call("execute_code", code=(PROGRAMS / program).read_text(), **arguments)


def steps(deployment: Deployment, output: Path) -> list[tuple[str, Callable[[Say], None]]]:
    """Each step's name and what it does; `say` prints for the user."""
    d = deployment
    return [
        ("Data analysis with pandas", lambda say: analysis(d, say)),
        ("A dashboard with matplotlib", lambda say: dashboard(d, say, output)),
        ("Machine learning with scikit-learn", lambda say: printed(d, say, "iris.py", "accuracy")),
        ("SQL with DuckDB", lambda say: printed(d, say, "customers.py", "Customer_19")),
        ("Three calls that share a variable and a file", lambda say: multi_step(d, say)),
        ("A ZIP uploaded to the session, used without loading it", lambda say: upload(d, say)),
        ("A shell command, and the sandbox's files saved", lambda say: save_files(d, say)),
        ("A failing program; the session goes on", lambda say: failure(d, say)),
    ]


def analysis(deployment: Deployment, say: Say) -> None:
    printed(deployment, say, "analysis.py", "Profit margin")


def printed(deployment: Deployment, say: Say, program: str, expected: str) -> None:
    answer = deployment.run(program)
    say(answer["stdout"])
    require(expected in answer["stdout"], f"{program} did not print {expected!r}")


def dashboard(deployment: Deployment, say: Say, output: Path) -> None:
    answer = deployment.run("dashboard.py", output_filename="dashboard.png")
    say(answer["stdout"])
    say(f"saved to the workspace: {', '.join(answer['files_saved'])}")
    saved = deployment.call("workspace_read", path="code-interpreter/dashboard.png")
    image = base64.b64decode(saved["content"])
    stored = deployment.s3_client.get_object(
        Bucket=deployment.bucket_name, Key=f"workspace/{SESSION}/code-interpreter/dashboard.png"
    )
    require(image.startswith(PNG), "dashboard.png is no PNG")
    require(image == stored["Body"].read(), "workspace_read and the bucket differ")
    output.mkdir(exist_ok=True)
    (output / "dashboard.png").write_bytes(image)
    say(f"fetched back: {output.name}/dashboard.png, {len(image):,} bytes; have a look")


def multi_step(deployment: Deployment, say: Say) -> None:
    for program in ("monthly_load.py", "monthly_analyze.py", "monthly_export.py"):
        say(deployment.run(program)["stdout"])
    answer = deployment.call("file_operations", operation="read", paths=["monthly.csv"])
    say(f"read back with file_operations:\n{answer['files'][0]['content']}")


def upload(deployment: Deployment, say: Say) -> None:
    deployment.s3_client.put_object(
        Bucket=deployment.bucket_name,
        Key=f"workspace/{SESSION}/uploads/survey.zip",
        Body=survey_zip(),
    )
    say(f"uploaded to s3://{deployment.bucket_name}/workspace/{SESSION}/uploads/survey.zip")
    printed(deployment, say, "survey.py", "50 answers")


def survey_zip() -> bytes:
    rows = "\n".join(f"{number},{number % 5 + 1}" for number in range(50))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("answers.csv", f"respondent,score\n{rows}\n")
        archive.writestr("README.txt", "How satisfied are you, from 1 to 5?\n")
    return buffer.getvalue()


def save_files(deployment: Deployment, say: Say) -> None:
    answer = deployment.call("execute_command", command="python --version && pip list | head")
    say(answer["stdout"])
    require("Python 3" in answer["stdout"], "python --version printed no version")
    saved = deployment.call("ci_push_to_workspace")
    say(f"pushed: {', '.join(saved['files_saved'])}")
    listed = deployment.call("workspace_list")
    say("\n".join(list_lines(listed)))
    paths = {file["path"] for file in listed["files"]}
    require("code-interpreter/monthly.csv" in paths, "monthly.csv is not in the workspace")
    require("uploads/survey.zip" in paths, "survey.zip is not in the workspace")


def list_lines(listed: dict[str, Any]) -> Iterator[str]:
    for file in listed["files"]:
        yield f"{file['size']:>10,}  {file['path']}"


def failure(deployment: Deployment, say: Say) -> None:
    code = (PROGRAMS / "failing.py").read_text()
    answer = deployment.invoke(tool="execute_code", session=SESSION, code=code)
    outcome = answer["status"], answer["error"]["type"], f"exit code {answer['exit_code']}"
    say(", ".join(outcome))
    say(answer["stdout"])
    say(answer["stderr"])
    require(answer["status"] == "error", "the failure was reported as a success")
    require("ZeroDivisionError" in answer["stderr"], "the failure's text is missing")
    after = deployment.call("execute_code", code="print(len(df), 'rows are still here')")
    say(after["stdout"])
    require("100 rows" in after["stdout"], "the session lost its variables")


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise DemoError(otherwise)
