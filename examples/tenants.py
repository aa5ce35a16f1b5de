"""Keep tenants apart: over one interpreter, each has a function, a folder and a role of its own.

    cdk deploy --app "python examples/tenants.py" -c tenants=acme,globex

A function reaches its own tenant's folder of the bucket only, and a tenant's role may invoke its
own function only. So a tenant can name any session, and it is always one of its own. Sessions of
different tenants are different microVMs, as all sessions are.

A tenant costs nothing while nobody calls its function. There is no execution role: all sandboxes of
an interpreter would share it. A tenant with a network of its own needs an interpreter of its own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

TENANT = re.compile("[A-Z][A-Za-z0-9]{0,31}", re.IGNORECASE)


class TenantsStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, tenants: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        interpreter = CodeInterpreter(self, "CodeInterpreter")
        files = Workspace(self, "Files")
        for tenant in tenants:
            self._add_tenant(tenant, interpreter, files)
        CfnOutput(self, "WorkspaceBucketName", value=files.bucket.bucket_name)

    def _add_tenant(self, tenant: str, interpreter: CodeInterpreter, files: Workspace) -> None:
        workspace = Workspace(
            self, f"{tenant}Workspace", bucket=files.bucket, prefix=f"tenants/{tenant}"
        )
        function = InvokeFunction(
            self, f"{tenant}Invoke", code_interpreter=interpreter, workspace=workspace
        )
        # The tenant's programs run as this role. Here anybody in the account who may assume roles
        # can be that program: name the tenant's own principal instead.
        role = iam.Role(self, f"{tenant}Role", assumed_by=iam.AccountRootPrincipal())
        function.grant_invoke(role)
        CfnOutput(self, f"{tenant}Function", value=function.function_name)
        CfnOutput(self, f"{tenant}RoleName", value=role.role_name)


def main() -> None:
    app = App()
    tenants = (app.node.try_get_context("tenants") or "").split(",")
    if not all(map(TENANT.fullmatch, tenants)) or len(set(tenants)) < len(tenants):
        sys.exit(
            "error: this app needs the tenants' names, -c tenants=acme,globex: each of them once, "
            "a letter and up to 31 further letters and digits"
        )
    TenantsStack(app, "Tenants", tenants=tenants)
    app.synth()


if __name__ == "__main__":
    main()
