"""An AgentCore Gateway whose tools are the invoke function's: code execution for any MCP client.

    cdk deploy --app "python examples/gateway.py"

Agents that may invoke the gateway (`gateway.grant_invoke(role)`) sign their requests to
`GatewayUrl` with IAM and find the tools as `code-interpreter___execute_code` and so on. Calls with
the header `x-code-interpreter-session: <name>` share that session's variables and files; the
agent's program sets it, a name for each conversation, and the model cannot. A call without it has
a sandbox of its own.
"""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace


class GatewayStack(Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        function = InvokeFunction(
            self,
            "Invoke",
            code_interpreter=CodeInterpreter(self, "CodeInterpreter"),
            workspace=Workspace(self, "Workspace"),
        )
        gateway = agentcore.Gateway(
            self,
            "Gateway",
            authorizer_configuration=agentcore.GatewayAuthorizer.using_aws_iam(),
        )
        function.add_gateway_target(gateway)
        CfnOutput(self, "GatewayUrl", value=str(gateway.gateway_url))
        CfnOutput(self, "InvokeFunctionName", value=function.function.function_name)


def main() -> None:
    app = App()
    GatewayStack(app, "ToolGateway")
    app.synth()


if __name__ == "__main__":
    main()
