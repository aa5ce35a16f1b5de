r"""Run one program over many files, each in its own sandbox, and gather the results in the bucket.

For work that is too much for one sandbox, Step Functions' distributed map runs an execution for
each file, up to 100 at once, and keeps the results of those that succeed even if some fail.

    cdk deploy --app "python examples/many_inputs.py"

Upload the files to a folder below `batches/` in the bucket, and start an execution. Its name is
part of the sessions' names, so it can have up to 50 letters, digits, `_` and `-`.

    aws s3 cp --recursive sales/ s3://$BUCKET/batches/sales-q3/
    aws stepfunctions start-execution --state-machine-arn $STATE_MACHINE --name sales-q3 --input '{
        "inputs": "batches/sales-q3/",
        "program": "import pandas as pd; print(pd.read_csv(\"input\")[\"revenue\"].sum())"
    }'

Each program reads its file as `input` in the working directory, and its stdout, up to 100 KiB, is
the result. The execution's output names a manifest in the bucket, which lists the files with the
results and the failures' reasons.
"""

from __future__ import annotations

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from cdk_code_interpreter import CodeInterpreter, InvokeFunction, Workspace

# The top folder of the input files.
INPUTS = "batches"
# AgentCore allows 1,000 sessions at once, and 30 starts a second (its quotas page).
SANDBOXES_AT_ONCE = 100
TOLERATED_FAILURES_PERCENT = 20
RESULT_WRITER_V2 = "@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2"


class ManyInputsStack(Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        # Without this feature flag, which older apps lack, CDK ignores result_writer_v2.
        self.node.set_context(RESULT_WRITER_V2, True)
        self.workspace = Workspace(self, "Workspace")
        self.function = InvokeFunction(
            self,
            "Invoke",
            code_interpreter=CodeInterpreter(self, "CodeInterpreter"),
            workspace=self.workspace,
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            definition_body=sfn.DefinitionBody.from_chainable(self._process_every_input()),
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Logs",
                    retention=logs.RetentionDays.ONE_MONTH,
                    removal_policy=RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )
        CfnOutput(self, "StateMachineArn", value=self.state_machine.state_machine_arn)
        CfnOutput(self, "WorkspaceBucketName", value=self.workspace.bucket.bucket_name)

    def _process_every_input(self) -> sfn.DistributedMap:
        bucket = self.workspace.bucket
        every_input = sfn.DistributedMap(
            self,
            "Every input",
            item_reader=sfn.S3ObjectsItemReader(
                bucket=bucket, prefix=sfn.JsonPath.string_at("$.inputs")
            ),
            # Execution names are unique for 90 days, so every input has its own session.
            item_selector={
                "session": sfn.JsonPath.format(
                    "{}-{}",
                    sfn.JsonPath.string_at("$$.Execution.Name"),
                    sfn.JsonPath.string_at("$$.Map.Item.Index"),
                ),
                "key": sfn.JsonPath.string_at("$$.Map.Item.Value.Key"),
                "program": sfn.JsonPath.string_at("$.program"),
            },
            max_concurrency=SANDBOXES_AT_ONCE,
            tolerated_failure_percentage=TOLERATED_FAILURES_PERCENT,
            result_writer_v2=sfn.ResultWriterV2(
                bucket=bucket,
                prefix="results",
                writer_config=sfn.WriterConfig(
                    output_type=sfn.OutputType.JSON, transformation=sfn.Transformation.COMPACT
                ),
            ),
        )
        return every_input.item_processor(self._process_input())

    def _process_input(self) -> sfn.IChainable:
        """Run the program, retry it only if it did not start, and always stop its sandbox.

        An idle sandbox costs money until its session times out, and counts towards the quota of
        sessions.
        """
        in_sandbox = sfn.Parallel.jsonata(self, "In its sandbox", outputs="{% $states.result[0] %}")
        in_sandbox.branch(self._upload().next(self._run()).next(self._fail_if_refused()))
        in_sandbox.add_retry(
            errors=["Retryable"],
            interval=Duration.seconds(2),
            max_delay=Duration.minutes(1),
            max_attempts=10,
            jitter_strategy=sfn.JitterType.FULL,
        )
        stop = self._call("Stop", {"tool": "stop_session"}, outputs="{% $states.input %}")
        in_sandbox.add_catch(
            stop,
            outputs={
                "session": "{% $states.input.session %}",
                "response": {
                    "error": {
                        "type": "{% $states.errorOutput.Error %}",
                        "message": "{% $states.errorOutput.Cause %}",
                    }
                },
            },
        )
        succeeded = sfn.Pass.jsonata(
            self,
            "Succeeded",
            outputs={
                "input": "{% $states.input.key %}",
                "output": "{% $states.input.response.stdout %}",
            },
        )
        failed = sfn.Fail.jsonata(
            self,
            "Failed",
            error="{% $states.input.response.error.type %}",
            cause="{% $states.input.response.error.message %}",
        )
        ended = sfn.Choice.jsonata(self, "Did it succeed?")
        ended.when(sfn.Condition.jsonata("{% $states.input.response.status = 'ok' %}"), succeeded)
        ended.otherwise(failed)
        return in_sandbox.next(stop).next(ended)

    def _upload(self) -> tasks.CallAwsService:
        """Copy the input to the uploads of its session."""
        bucket, prefix = self.workspace.bucket, self.workspace.prefix
        key = "$states.input.key"
        read_inputs = iam.PolicyStatement(
            actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{INPUTS}/*")]
        )
        upload = tasks.CallAwsService.jsonata(
            self,
            "Upload",
            service="s3",
            action="copyObject",
            parameters={
                "Bucket": bucket.bucket_name,
                "CopySource": f"{{% '{bucket.bucket_name}/' & $encodeUrlComponent({key}) %}}",
                "Key": f"{{% '{prefix}/' & $states.input.session & '/uploads/input' %}}",
            },
            outputs="{% $states.input %}",
            iam_action="s3:PutObject",
            iam_resources=[bucket.arn_for_objects(f"{prefix}/*/uploads/input")],
            additional_iam_statements=[read_inputs],
        )
        upload.add_retry(errors=["States.TaskFailed"])
        return upload

    def _run(self) -> tasks.LambdaInvoke:
        return self._call(
            "Run",
            {
                "tool": "execute_code",
                "code": "{% $states.input.program %}",
                # Step Functions retries a call if its response is lost. With a key the program
                # runs only once.
                "idempotency_key": "{% $states.input.session %}",
            },
            outputs="{% $merge([$states.input, {'response': $states.result.Payload}]) %}",
        )

    def _fail_if_refused(self) -> sfn.Choice:
        """Turn a retryable response into an error, which Step Functions can retry."""
        refused = sfn.Fail.jsonata(
            self,
            "Refused",
            error="Retryable",
            cause="{% $states.input.response.error.message %}",
        )
        retryable = sfn.Condition.jsonata("{% $states.input.response.error.retryable = true %}")
        ran = sfn.Pass.jsonata(self, "Ran")
        return sfn.Choice.jsonata(self, "Refused?").when(retryable, refused).otherwise(ran)

    def _call(self, name: str, event: dict[str, str], outputs: str) -> tasks.LambdaInvoke:
        call = tasks.LambdaInvoke.jsonata(
            self,
            name,
            lambda_function=self.function.function,
            payload=sfn.TaskInput.from_object({**event, "session": "{% $states.input.session %}"}),
            outputs=outputs,
        )
        call.add_retry(
            errors=["Lambda.TooManyRequestsException"],
            max_attempts=10,
            jitter_strategy=sfn.JitterType.FULL,
        )
        return call


def main() -> None:
    app = App()
    ManyInputsStack(app, "ManyInputs")
    app.synth()


if __name__ == "__main__":
    main()
