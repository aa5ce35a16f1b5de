"""The example `tenants.py`: two tenants never meet, though their sessions have the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .calling import Deployed
from .conftest import run_app

if TYPE_CHECKING:
    from local_aws import LocalAws

    from .conftest import Synthesise


NAMES = ["acme,acme", "../acme", "", "acme,", "a b", "1acme", "a" * 33]


@pytest.mark.parametrize("tenants", NAMES)
def test_names_that_cannot_be_used_are_refused_in_one_line(tenants: str) -> None:
    with pytest.raises(SystemExit) as refused:
        run_app("examples/tenants.py", {"tenants": tenants})
    [line] = str(refused.value.code).splitlines()
    assert line.startswith("error: this app needs the tenants' names, -c tenants=acme,globex: each")


def test_tenants_do_not_meet(synthesise: Synthesise, local_aws: LocalAws, account: str) -> None:
    assembly = synthesise("examples/tenants.py", {"tenants": "acme,globex"})
    deployed = Deployed.deploy(local_aws, account, assembly)
    functions = {name: deployed.outputs[f"{name}Function"] for name in ("acme", "globex")}

    def invoke(tenant: str, **event: str) -> dict[str, object]:
        return deployed.invoke(functions[tenant], {"session": "sales", **event})

    program = "open('plan.txt', 'w').write('of acme'); secret = 1"
    saved = invoke("acme", tool="execute_code", code=program, output_filename="plan.txt")
    assert saved["files_saved"] == ["code-interpreter/plan.txt"]

    seen = invoke(
        "globex", tool="execute_code", code="import os; 'secret' in dir() or os.listdir()"
    )
    assert seen["session_id"] != saved["session_id"]
    assert "plan.txt" not in str(seen["stdout"])
    assert "True" not in str(seen["stdout"])
    assert invoke("globex", tool="workspace_list")["files"] == []
    listed: Any = invoke("globex", tool="list_sessions")["sessions"]
    assert [one["session_id"] for one in listed] == [seen["session_id"]]

    bucket = f"arn:aws:s3:::{deployed.outputs['WorkspaceBucketName']}"
    [role] = [
        function["Role"].rpartition("/")[2]
        for function in deployed.client("lambda").list_functions()["Functions"]
        if function["FunctionName"] == functions["globex"]
    ]
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert deployed.may(role, action, f"{bucket}/tenants/globex/sales/uploads/a")
        assert not deployed.may(role, action, f"{bucket}/tenants/acme/sales/uploads/a")
    for tenant in functions:
        arn = f"arn:aws:lambda:us-east-1:{account}:function:{functions[tenant]}"
        assert deployed.may(deployed.outputs["globexRoleName"], "lambda:InvokeFunction", arn) is (
            tenant == "globex"
        )
