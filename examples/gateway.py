"""An AgentCore Gateway that offers the invoke function's tools to any MCP client.

    cdk deploy --app "python examples/gateway.py"

Agents whose role may invoke the gateway (`gateway.grant_invoke(role)`) sign their requests to
`GatewayUrl` with SigV4. The tools are named `code-interpreter___execute_code` and so on. Calls with
the same header `x-code-interpreter-session: <name>` share a session's variables and files. The
agent's program sets the header, for example to the conversation's id; the model cannot. A call
without the header gets a temporary sandbox.
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
