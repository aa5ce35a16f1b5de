"""The settings that an app makes for all of its resources reach those of the library, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsii
import pytest
from aws_cdk import (
    AspectPriority,
    Aspects,
    CfnResource,
    IAspect,
    IPropertyInjector,
    Mixin,
    Mixins,
    NestedStack,
    PermissionsBoundary,
    PropertyInjectors,
    RemovalPolicies,
    RemovalPolicy,
    Stack,
    Tags,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match, Template
from constructs import Construct, IConstruct

import cdk_code_interpreter as library

from .everything import FLAGS, MODES, all_options, defaults, imported_vpc, new_app, resources
from .templates import only, statements

INTERPRETER = "Custom::CodeInterpreter"
BOUNDARY = "their-boundary"


@jsii.implements(IAspect)
class Visit:
    """An aspect that calls a function with every node."""

    def __init__(self, do: Callable[[IConstruct], None]) -> None:
        self._do = do

    def visit(self, node: IConstruct) -> None:
        self._do(node)


@jsii.implements(IPropertyInjector)
class Inject:
    """A property injector that sets properties of every construct of a class."""

    def __init__(self, kind: Any, **properties: Any) -> None:
        self._id = kind.PROPERTY_INJECTION_ID
        self._properties = properties

    @property
    def construct_unique_id(self) -> str:
        return str(self._id)

    def inject(
        self,
        original_props: dict[str, Any],
        *,
        id: str,  # noqa: A002, ARG002 - JSII passes it by CDK's own name
        scope: Construct,  # noqa: ARG002 - JSII passes it by name, too
    ) -> Any:
        return {**original_props, **self._properties}


# aspects


def test_aspects_visit_every_construct_of_the_library_as_what_it_is() -> None:
    app = new_app()
    all_options(Stack(app, "Test"))
    seen: set[tuple[float, type]] = set()

    def visitor(priority: float) -> Visit:
        return Visit(lambda node: seen.add((priority, type(node))))

    priorities = (AspectPriority.MUTATING, AspectPriority.DEFAULT, AspectPriority.READONLY)
    for priority in priorities:
        Aspects.of(app).add(visitor(priority), priority=priority)
    app.synth()
    for priority in priorities:
        assert {kind for at, kind in seen if at == priority} >= {
            library.CodeInterpreter,
            library.ControlFunction,
            library.ExecutionRole,
            library.InvokeFunction,
            library.Monitoring,
            library.Workspace,
        }


@pytest.mark.parametrize(
    "flags",
    # `test_feature_flags_change_nothing` holds that the others define the same.
    [
        pytest.param(flags, marks=() if flags == "recommended" else pytest.mark.slow)
        for flags in FLAGS
    ],
)
def test_aspects_can_change_what_is_defined_and_add_to_it(flags: str) -> None:
    """Companies enforce log retention, and an alarm for every function, in this way."""

    def enforce(node: IConstruct) -> None:
        if isinstance(node, logs.CfnLogGroup):
            node.retention_in_days = 365
        if isinstance(node, lambda_.CfnFunction):
            node.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="PassThrough")
        if isinstance(node, lambda_.Function):
            node.metric_errors().create_alarm(node, "TheirAlarm", threshold=1, evaluation_periods=1)

    app = new_app(FLAGS[flags]())
    stack = Stack(app, "Test")
    defaults(stack)
    Aspects.of(app).add(Visit(enforce), priority=AspectPriority.MUTATING)
    template = Template.from_stack(stack)
    template.all_resources_properties("AWS::Logs::LogGroup", {"RetentionInDays": 365})
    template.all_resources_properties(
        "AWS::Lambda::Function", {"TracingConfig": {"Mode": "PassThrough"}}
    )
    alarms = template.find_resources("AWS::CloudWatch::Alarm")
    assert len([name for name in alarms if "TheirAlarm" in name]) == 2


@pytest.mark.parametrize("priority", [AspectPriority.MUTATING, AspectPriority.DEFAULT])
def test_egress_rules_that_an_aspect_adds_prevent_the_warning(priority: int) -> None:
    """The check for egress rules runs after all aspects."""

    def let_out(node: IConstruct) -> None:
        if isinstance(node, ec2.SecurityGroup):
            node.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS)

    stack = Stack(new_app(), "Test")
    library.CodeInterpreter(stack, "Interpreter", network=library.Network.vpc(imported_vpc(stack)))
    Aspects.of(stack).add(Visit(let_out), priority=priority)
    Annotations.from_stack(stack).has_no_warning("*", Match.any_value())


# removal policies


def test_removal_policies_of_the_app_reach_everything() -> None:
    app = new_app()
    ours = all_options(Stack(app, "Test"))
    RemovalPolicies.of(app).retain()
    policies = {name: resource.get("DeletionPolicy") for name, resource in resources(ours).items()}
    assert set(policies.values()) == {"Retain"}, policies


def test_a_removal_policy_can_be_applied_to_a_code_interpreter(stack: Stack) -> None:
    """CDK allows it for every resource."""
    interpreter = library.CodeInterpreter(stack, "Interpreter")
    interpreter.apply_removal_policy(RemovalPolicy.RETAIN)
    Template.from_stack(stack).has_resource(INTERPRETER, {"DeletionPolicy": "Retain"})


def test_the_resource_of_a_code_interpreter_can_be_overridden(stack: Stack) -> None:
    definition = library.CodeInterpreter(stack, "Interpreter").node.default_child
    assert isinstance(definition, CfnResource)
    definition.add_property_override("Description", "theirs")
    assert only(stack, INTERPRETER)["Description"] == "theirs"


# tags


def test_tags_of_the_app_reach_every_resource_that_supports_tags() -> None:
    app = new_app()
    ours = all_options(Stack(app, "Test"))
    Tags.of(app).add("team", "theirs")
    tagged = {
        resource["Type"]
        for resource in resources(ours).values()
        if "theirs" in str(resource["Properties"].get("Tags"))
    }
    assert tagged == {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::EC2::SecurityGroup",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        INTERPRETER,
    }


def test_tags_can_go_to_some_types_only() -> None:
    """This is with CDK's current flag, with which `Tags.of()` does not tag the stack itself."""
    app = new_app({"@aws-cdk/core:explicitStackTags": True})
    stack = Stack(app, "Test")
    defaults(stack)
    native = "AWS::BedrockAgentCore::CodeInterpreterCustom"
    Tags.of(app).add("not-this", "x", exclude_resource_types=[native])
    Tags.of(app).add("only-this", "x", include_resource_types=[native])
    assert only(stack, INTERPRETER)["Tags"] == {"only-this": "x"}
    roles = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    assert {tag["Key"] for role in roles for tag in role["Properties"]["Tags"]} == {"not-this"}


def test_tags_of_a_stack_reach_what_is_nested_in_it() -> None:
    """CloudFormation passes them on to native resources only."""
    outer = Stack(new_app(), "Outer", tags={"level": "outer", "from": "outer"})
    inner = NestedStack(outer, "Inner")
    library.CodeInterpreter(inner, "Interpreter", tags={"level": "construct"})
    assert only(inner, INTERPRETER)["Tags"] == {"level": "construct", "from": "outer"}


# permissions boundaries


@pytest.mark.parametrize(
    "mode",
    # No other mode has a role that is not in the one with all options.
    [pytest.param(mode, marks=() if mode == "all options" else pytest.mark.slow) for mode in MODES],
)
@pytest.mark.parametrize("set_boundary", ["aspect", "context", "stack"])
def test_permissions_boundaries_reach_every_role(mode: str, set_boundary: str) -> None:
    app = new_app()
    boundary = None
    if set_boundary == "context":
        app.node.set_context("@aws-cdk/core:permissionsBoundary", {"name": BOUNDARY})
    elif set_boundary == "stack":
        boundary = PermissionsBoundary.from_name(BOUNDARY)
    stack = Stack(app, "Test", permissions_boundary=boundary)
    MODES[mode](stack)
    if set_boundary == "aspect":
        policy = iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", BOUNDARY)
        iam.PermissionsBoundary.of(app).apply(policy)
    roles = Template.from_stack(stack).find_resources("AWS::IAM::Role")
    boundaries = {
        name: role["Properties"].get("PermissionsBoundary") for name, role in roles.items()
    }
    assert all(BOUNDARY in str(applied) for applied in boundaries.values()), boundaries


# property injectors


def test_property_injectors_reach_the_constructs_inside_the_librarys_constructs() -> None:
    injectors = [
        Inject(iam.Role, path="/theirs/"),
        Inject(lambda_.Function, memorySize=512, recursiveLoop=lambda_.RecursiveLoop.TERMINATE),
        Inject(logs.LogGroup, retention=logs.RetentionDays.TEN_YEARS),
        Inject(s3.Bucket, transferAcceleration=True),
        Inject(ec2.SecurityGroup, description="theirs"),
        Inject(cloudwatch.Alarm, actionsEnabled=False),
    ]
    app = new_app(property_injectors=injectors)
    stack = Stack(app, "Test")
    ours = all_options(stack)
    expected: dict[str, dict[str, Any]] = {
        "AWS::IAM::Role": {"Path": "/theirs/"},
        "AWS::Lambda::Function": {"MemorySize": 512, "RecursiveLoop": "Terminate"},
        "AWS::Logs::LogGroup": {"RetentionInDays": 3653},
        "AWS::EC2::SecurityGroup": {"GroupDescription": "theirs"},
        "AWS::CloudWatch::Alarm": {"ActionsEnabled": False},
        "AWS::S3::Bucket": {"AccelerateConfiguration": {"AccelerationStatus": "Enabled"}},
    }
    seen = set()
    for resource in resources(ours).values():
        if resource["Type"] in expected:
            seen.add(resource["Type"])
            assert {**resource["Properties"], **expected[resource["Type"]]} == resource[
                "Properties"
            ]
    assert seen == expected.keys()


def test_functions_that_an_injector_puts_into_a_vpc_and_gives_a_log_work() -> None:
    stack = Stack(new_app(), "Test")
    log_group = logs.LogGroup(stack, "Central")
    theirs = Construct(stack, "Theirs")
    PropertyInjectors.of(theirs).add(
        Inject(lambda_.Function, vpc=imported_vpc(stack), logGroup=log_group)
    )
    defaults(theirs)
    found = statements(stack, of="TheirsInvoke")
    assert found["ec2:CreateNetworkInterface"]
    assert found["logs:PutLogEvents"][0]["Resource"] == stack.resolve(log_group.log_group_arn)


def test_a_role_that_an_injector_puts_in_place_of_the_new_one_gets_the_permissions() -> None:
    app = new_app()
    stack = Stack(app, "Test")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    theirs = Construct(stack, "Theirs")
    PropertyInjectors.of(theirs).add(Inject(lambda_.Function, role=role))
    ours = defaults(theirs)
    [policy] = [
        resource["Properties"]
        for name, resource in resources(ours).items()
        if "InvokeFunctionPolicy" in name
    ]
    assert policy["Roles"] == [stack.resolve(role.role_name)]
    assert "logs:PutLogEvents" in str(policy) and "s3:GetObject" in str(policy)


# mixins


def test_mixins_apply(stack: Stack) -> None:
    class Named(Mixin):
        def supports(self, construct: IConstruct) -> bool:
            return isinstance(construct, lambda_.CfnFunction)

        def apply_to(self, construct: IConstruct) -> None:
            assert isinstance(construct, lambda_.CfnFunction)
            construct.description = "theirs"

    defaults(stack)
    Mixins.of(stack).apply(Named())
    Template.from_stack(stack).all_resources_properties(
        "AWS::Lambda::Function", {"Description": "theirs"}
    )
