"""An AgentCore Harness, which is an agent that AWS runs, with a code interpreter as its tool.

    cdk deploy --app "python examples/harness.py" -c model=<id of a model in Amazon Bedrock>

The harness calls the interpreter itself, so that its sessions have no workspace, and the files of a
session are lost with its sandbox. An agent that needs the workspace reaches the invoke function
through a Gateway: examples/gateway.py.
"""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter

MODEL = "amazon.nova-pro-v1:0"
PROMPT = "You compute with the code interpreter, and say what you computed."


class HarnessStack(Stack):
    def __init__(self, scope: Construct, construct_id: str, *, model: str = MODEL) -> None:
        super().__init__(scope, construct_id)
        interpreter = CodeInterpreter(self, "CodeInterpreter")
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "bedrock-agentcore.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            ),
        )
        interpreter.grant_use(role)
        invoke_model = iam.PolicyStatement(
            actions=["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            resources=[f"arn:{self.partition}:bedrock:{self.region}::foundation-model/{model}"],
        )
        role.add_to_policy(invoke_model)
        kind = agentcore.CfnHarness
        harness = kind(
            self,
            "Harness",
            harness_name="code_interpreter_example",
            execution_role_arn=role.role_arn,
            model=kind.HarnessModelConfigurationProperty(
                bedrock_model_config=kind.HarnessBedrockModelConfigProperty(model_id=model)
            ),
            system_prompt=[kind.HarnessSystemContentBlockProperty(text=PROMPT)],
            tools=[
                kind.HarnessToolProperty(
                    type="agentcore_code_interpreter",
                    name="code_interpreter",
                    config=kind.HarnessToolConfigurationProperty(
                        agent_core_code_interpreter=kind.HarnessAgentCoreCodeInterpreterConfigProperty(
                            code_interpreter_arn=interpreter.code_interpreter_arn
                        )
                    ),
                )
            ],
        )
        # The role may do all that before the harness is created.
        harness.node.add_dependency(role)
        CfnOutput(self, "HarnessArn", value=harness.attr_arn)


def main() -> None:
    app = App()
    HarnessStack(app, "Harness", model=app.node.try_get_context("model") or MODEL)
    app.synth()


if __name__ == "__main__":
    main()
