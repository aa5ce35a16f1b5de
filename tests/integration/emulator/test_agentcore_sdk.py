"""Every method of the `bedrock-agentcore` SDK's CodeInterpreter, against the whole emulator."""

from __future__ import annotations

import gc
import importlib
import inspect
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REGION = "us-west-2"
ROLE = "arn:aws:iam::111122223333:role/r"


@pytest.fixture(scope="module")
def sdk() -> Iterator[ModuleType]:
    """Import the SDK's module, which reads its endpoints from the environment."""
    command = [sys.executable, "-m", "agentcore_emulator"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        pytest.MonkeyPatch.context() as environment,
    ):
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        environment.setenv("BEDROCK_AGENTCORE_DP_ENDPOINT", endpoint)
        environment.setenv("BEDROCK_AGENTCORE_CP_ENDPOINT", endpoint)
        environment.setenv("AWS_ACCESS_KEY_ID", "111122223333")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        with warnings.catch_warnings(action="ignore"):  # of the SDK's own dependencies
            importlib.reload(importlib.import_module("bedrock_agentcore._utils.endpoints"))
            module = importlib.import_module("bedrock_agentcore.tools.code_interpreter_client")
        yield importlib.reload(module)
        process.terminate()


@pytest.fixture
def client(sdk: ModuleType) -> Iterator[Any]:
    client = sdk.CodeInterpreter(REGION)
    yield client
    client.stop()
    close(client)


def close(client: Any) -> None:
    client.data_plane_client.close()
    client.control_plane_client.close()
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # download_file does not read its stream to the end


def result(response: dict[str, Any]) -> dict[str, Any]:
    (event,) = list(response["stream"])
    found: dict[str, Any] = event["result"]
    return found


def stdout(response: dict[str, Any]) -> str:
    return str(result(response)["structuredContent"]["stdout"])


def test_every_method_of_the_sdk_is_tested(sdk: ModuleType) -> None:
    functions = inspect.getmembers(sdk.CodeInterpreter, inspect.isfunction)
    methods = {name for name, _ in functions if not name.startswith("_")}
    assert methods - set(re.findall(r"client\.(\w+)\(", Path(__file__).read_text())) == set()


def test_create_get_list_and_delete(client: Any) -> None:
    created = client.create_code_interpreter(
        "sdk_made",
        ROLE,
        network_configuration={
            "networkMode": "VPC",
            "vpcConfig": {"subnets": ["subnet-12345678"], "securityGroups": ["sg-12345678"]},
        },
        description="from the SDK",
        tags={"a": "b"},
        client_token="t" * 33,
    )
    interpreter_id = created["codeInterpreterId"]
    read = client.get_code_interpreter(interpreter_id)
    assert (read["name"], read["executionRoleArn"]) == ("sdk_made", ROLE)
    listed = client.list_code_interpreters(interpreter_type="CUSTOM", max_results=1)
    assert [summary["codeInterpreterId"] for summary in listed["codeInterpreterSummaries"]] == [
        interpreter_id
    ]
    assert client.delete_code_interpreter(interpreter_id)["status"] == "DELETING"


def test_start_get_list_and_stop_a_session(client: Any) -> None:
    session_id = client.start(name="sdk", session_timeout_seconds=120)
    assert client.session_id == session_id
    read = client.get_session()
    assert (read["name"], read["status"], read["sessionTimeoutSeconds"]) == ("sdk", "READY", 120)
    listed = client.list_sessions(interpreter_id="aws.codeinterpreter.v1", status="READY")
    assert session_id in [item["sessionId"] for item in listed["items"]]
    assert client.stop() is True
    stopped = client.get_session(interpreter_id="aws.codeinterpreter.v1", session_id=session_id)
    assert stopped["status"] == "TERMINATED"


def test_invoke_starts_a_session_by_itself(client: Any) -> None:
    assert result(client.invoke("listFiles"))["isError"] is False
    assert client.session_id


def test_execute_code_and_clear_context(client: Any) -> None:
    assert stdout(client.execute_code("x = 20\nprint(x + 1)")) == "21"
    assert stdout(client.execute_code("print(x)")) == "20"
    assert result(client.clear_context())["isError"] is False
    assert result(client.execute_code("print(x)"))["isError"] is True
    assert stdout(client.execute_code("console.log(1 + 1)", language="javascript")) == "2"
    assert stdout(client.execute_code("print('x' in dir())", clear_context=True)) == "False"


def test_execute_command(client: Any) -> None:
    assert stdout(client.execute_command("echo $((20 + 1))")) == "21\r\n"


def test_upload_and_download(client: Any) -> None:
    binary = bytes(range(256))
    result(client.upload_file("folder/data.csv", "a,b\n1,2\n", description="numbers"))
    result(
        client.upload_files([{"path": "b.bin", "content": binary}, {"path": "c", "content": "c"}])
    )
    assert client.download_file("folder/data.csv") == "a,b\n1,2\n"
    assert client.download_file("b.bin") == binary
    downloaded = client.download_files(["folder/data.csv", "b.bin", "c"])
    assert downloaded == {"/folder/data.csv": "a,b\n1,2\n", "/b.bin": binary, "/c": "c"}
    with pytest.raises(FileNotFoundError):
        client.download_file("missing")


def test_install_packages(client: Any) -> None:
    # Installed already, so that no package index is asked.
    installed = result(client.install_packages(["numpy"]))
    assert installed["isError"] is False
    assert "Requirement already satisfied: numpy" in installed["structuredContent"]["stdout"]


def test_code_session(sdk: ModuleType) -> None:
    with sdk.code_session(REGION) as client:
        assert client.session_id
        assert stdout(client.execute_code("print(1)")) == "1"
    assert client.session_id is None
    close(client)
