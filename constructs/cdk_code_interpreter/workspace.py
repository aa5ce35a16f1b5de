"""The bucket where sessions keep their files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Unpack

from aws_cdk import (
    Annotations,
    CfnResource,
    CustomResourceProviderBase,
    Duration,
    RemovalPolicy,
    Stack,
    Token,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ._private.arguments import check_arguments
from ._private.log_group import new_log_group
from ._private.nag import acknowledge, acknowledge_rule
from ._private.permissions import (
    DELETE_OBJECTS,
    EVERY_S3_ACTION,
    LIST_OBJECTS,
    READ_BUCKET_TAGS,
    READ_WRITE_OBJECTS,
    USE_OBJECT_KEY,
)
from ._private.validation import check_days, check_removal_policy
from .function_settings import LogSettings
from .limits import SESSION_RECORDS, WORKSPACE_PREFIX_PATTERN
from .sealed_network import SealedNetwork

# A session lives for 8 hours at most, and its record is of no use afterwards.
_RECORD_EXPIRATION = Duration.days(2)
# The id that CDK gives to the function of `auto_delete_objects`.
_EMPTYING_PROVIDER = "Custom::S3AutoDeleteObjectsCustomResourceProvider"
# The presigned URLs of the invoke function live shorter; this limits those of others, too.
_MAX_SIGNATURE_AGE = Duration.minutes(15)


class Workspace(Construct):
    """Define the bucket for the files of users and of code, with one folder for each session.

    The key of an upload is `<prefix>/<session>/uploads/<path>`, and that of a file that code
    produced is `<prefix>/<session>/code-interpreter/<path>`.

    :param bucket: An existing bucket. Its owner decides about access and retention, so only
        `prefix`, `sealed_network` and `allow_links` can be given with it. Records stay below
        `sessions/` until a lifecycle rule of its own removes them; a new bucket has a rule for 2
        days. Default: a new bucket that is private, encrypted, and reachable with TLS only.
    :param prefix: The first part of every key: one or more parts of letters, digits and
        `! _ . ' ( ) -` with single slashes between them. Default: `workspace`.
    :param encryption_key: The KMS key of a new bucket. `grant_read_write()` grants its use, too.
        Default: the key that Amazon S3 manages.
    :param expiration: The whole number of days, 1 or more, from the last change of a file to its
        deletion. Default: files are kept.
    :param versioned: Keep overwritten and deleted files for another 30 days. Default: no.
    :param removal_policy: Whether CloudFormation deletes the bucket when it leaves the stack.
        `RemovalPolicy.DESTROY` deletes the files, too. Default: `RemovalPolicy.RETAIN`, with its
        policy.
    :param server_access_logs_bucket: The bucket for the logs of access to the files. Default: none.
    :param sealed_network: The network of the code interpreter, from which code then reaches the
        files. The bucket's policy refuses presigned URLs that are used anywhere else, and the
        invoke function refuses the tool `workspace_link`. An existing bucket keeps its own policy,
        and a warning shows the statement that it needs. Default: none, so that a presigned URL
        works for everybody who has it.
    :param allow_links: Whether presigned URLs of a workspace with `sealed_network` work outside of
        the network, too. Then everybody who gets such a URL can read or write its file until it
        expires, from anywhere. Default: no.
    :param settings: Settings of the log group of CDK's function that empties a bucket with
        `RemovalPolicy.DESTROY`: see `LogSettings`.
    :ivar bucket: The new bucket, or the existing bucket.
    :ivar prefix: The first part of every key.
    :ivar allow_links: Whether presigned URLs work anywhere.
    :ivar endpoint: The S3 endpoint of the sealed network, or None.
    :raises ValueError: if `prefix` or `expiration` cannot be used, if an existing bucket is given
        together with a setting for a new bucket, if `allow_links` is given without
        `sealed_network`, or if the sealed network admits another workspace.
    """

    @check_arguments
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket | None = None,
        prefix: str = "workspace",
        encryption_key: kms.IKey | None = None,
        expiration: Duration | None = None,
        versioned: bool | None = None,
        removal_policy: RemovalPolicy | None = None,
        server_access_logs_bucket: s3.IBucket | None = None,
        sealed_network: SealedNetwork | None = None,
        allow_links: bool | None = None,
        **settings: Unpack[LogSettings],
    ) -> None:
        _check_prefix(prefix)
        if allow_links is not None and sealed_network is None:
            raise ValueError(
                f"allow_links is {allow_links}, but sealed_network is not given, and without it "
                "presigned URLs work anywhere; pass sealed_network=, or leave allow_links out"
            )
        if sealed_network is not None:
            sealed_network._check_free()
        if expiration is not None:
            check_days("expiration", expiration)
        if removal_policy is not None:
            check_removal_policy(removal_policy)
        if bucket is not None:
            _refuse_settings(
                encryption_key=encryption_key,
                expiration=expiration,
                versioned=versioned,
                removal_policy=removal_policy,
                server_access_logs_bucket=server_access_logs_bucket,
                **settings,
            )
        super().__init__(scope, construct_id)
        self.prefix = prefix
        self.bucket: s3.IBucket = bucket or self._new_bucket(
            encryption_key=encryption_key,
            expiration=expiration,
            versioned=bool(versioned),
            removal_policy=removal_policy or RemovalPolicy.RETAIN,
            server_access_logs_bucket=server_access_logs_bucket,
            log_settings=settings,
        )
        self.allow_links = sealed_network is None or bool(allow_links)
        self.endpoint: ec2.GatewayVpcEndpoint | None = None
        if sealed_network is not None:
            self.endpoint = sealed_network._admit_workspace(self, self.bucket, prefix)
        if not self.allow_links:
            self._refuse_links()

    @property
    def key_patterns(self) -> tuple[str, str]:
        """The ARN patterns of all files and of all records of this prefix, in this order."""
        return (
            self.bucket.arn_for_objects(f"{self.prefix}/*"),
            self.bucket.arn_for_objects(f"{self.records_prefix}*"),
        )

    @property
    def records_prefix(self) -> str:
        """The first part of the key of every record of this workspace prefix."""
        return f"{SESSION_RECORDS}/{self.prefix}/"

    @check_arguments
    def grant_read_write(
        self, grantee: iam.IGrantable, *, records_prefix: str | None = None
    ) -> iam.Grant:
        """Let `grantee` read and write every session's files, and session records.

        `grantee` may not delete files: see `grant_delete()`. A bucket or a key of another account
        has to allow `grantee`, too.

        Do not grant this to a code interpreter's execution role: all code in every sandbox could
        use it.

        :param records_prefix: The first part of the keys of the records that `grantee` may use.
            Default: the records of every code interpreter with this workspace prefix.
        """
        prefixes = [f"{self.prefix}/", records_prefix or self.records_prefix]
        grant = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=READ_WRITE_OBJECTS,
            resource_arns=[self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        )
        grant = grant.combine(
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=LIST_OBJECTS,
                resource_arns=[self.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
            )
        )
        if self.bucket.encryption_key is not None:
            # Amazon S3 uses the key with the permissions of the caller.
            grant = grant.combine(
                iam.Grant.add_to_principal(
                    grantee=grantee,
                    actions=USE_OBJECT_KEY,
                    resource_arns=[self.bucket.encryption_key.key_arn],
                )
            )
        return grant

    @check_arguments
    def grant_delete(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` delete every session's files, and no session records.

        A bucket of another account has to allow `grantee`, too.
        """
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=DELETE_OBJECTS,
            resource_arns=[self.bucket.arn_for_objects(f"{self.prefix}/*")],
        )

    def _new_bucket(
        self,
        *,
        encryption_key: kms.IKey | None,
        expiration: Duration | None,
        versioned: bool,
        removal_policy: RemovalPolicy,
        server_access_logs_bucket: s3.IBucket | None,
        log_settings: LogSettings,
    ) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=(
                s3.BucketEncryption.S3_MANAGED
                if encryption_key is None
                else s3.BucketEncryption.KMS
            ),
            encryption_key=encryption_key,
            bucket_key_enabled=None if encryption_key is None else True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=versioned,
            removal_policy=removal_policy,
            auto_delete_objects=removal_policy == RemovalPolicy.DESTROY,
            server_access_logs_bucket=server_access_logs_bucket,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
                s3.LifecycleRule(prefix=f"{SESSION_RECORDS}/", expiration=_RECORD_EXPIRATION),
            ],
        )
        if expiration is not None:
            bucket.add_lifecycle_rule(prefix=f"{self.prefix}/", expiration=expiration)
        if versioned:
            bucket.add_lifecycle_rule(noncurrent_version_expiration=Duration.days(30))
        self._refuse_weak_signatures(bucket)
        if removal_policy == RemovalPolicy.DESTROY:
            _complete_emptying(bucket, log_settings)
        elif bucket.policy is not None:
            # A bucket that stays keeps its rules.
            bucket.policy.apply_removal_policy(removal_policy)
        if server_access_logs_bucket is None:
            acknowledge(
                bucket,
                "AwsSolutions-S1",
                "a log bucket is the user's choice (server_access_logs_bucket); CloudTrail data "
                "events record the same access",
            )
        acknowledge_rule(
            bucket,
            "S3BucketReplicationEnabled",
            "replication takes a bucket in another region, which a stack of one region cannot have",
        )
        return bucket

    def _refuse_links(self) -> None:
        """Deny presigned requests, except those that come through the sealed network's endpoint.

        The invoke function and CDK's function that empties the bucket sign the headers of their
        requests, so this does not concern them.
        """
        condition: dict[str, Any] = {"StringEquals": {"s3:authType": ["REST-QUERY-STRING", "POST"]}}
        if self.endpoint is not None:
            condition["StringNotEquals"] = {"aws:SourceVpce": self.endpoint.vpc_endpoint_id}
        statement = _deny_every_action(self.bucket, condition)
        if not self.bucket.add_to_resource_policy(statement).statement_added:
            Annotations.of(self).add_warning_v2(
                "cdk-code-interpreter:existingBucketPolicy",
                "the bucket has a policy of its own, which may let presigned URLs be used outside "
                "of the sealed network; add this statement to it, and acknowledge this warning: "
                + json.dumps(Stack.of(self).resolve(statement.to_statement_json())),
            )

    def _refuse_weak_signatures(self, bucket: s3.Bucket) -> None:
        """Deny requests without SigV4, and those with a signature older than 15 minutes."""
        for condition in (
            {"StringEquals": {"s3:signatureversion": "AWS"}},
            {"NumericGreaterThan": {"s3:signatureAge": str(_MAX_SIGNATURE_AGE.to_milliseconds())}},
        ):
            bucket.add_to_resource_policy(_deny_every_action(bucket, condition))


def _deny_every_action(bucket: s3.IBucket, conditions: Mapping[str, Any]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=EVERY_S3_ACTION,
        resources=[bucket.bucket_arn, bucket.arn_for_objects("*")],
        conditions=conditions,
    )


def _complete_emptying(bucket: s3.Bucket, log_settings: LogSettings) -> None:
    """Let CDK's function that empties the bucket end without a failure and without a remainder.

    When the bucket is to be retained again, the function looks at its tags. CDK gives it the
    permission in the bucket's policy, which changes before. Its log would outlast the stack.
    """
    provider = Stack.of(bucket).node.find_child(_EMPTYING_PROVIDER)
    assert isinstance(provider, CustomResourceProviderBase)
    provider.add_to_role_policy(
        {"Effect": "Allow", "Action": READ_BUCKET_TAGS, "Resource": bucket.bucket_arn}
    )
    function = provider.node.find_child("Handler")
    assert isinstance(function, CfnResource)
    if provider.node.try_find_child("Logs") is None:
        log_group = new_log_group(provider, "Logs", **log_settings)
        function.add_property_override("LoggingConfig", {"LogGroup": log_group.log_group_name})


def _check_prefix(prefix: str) -> None:
    if Token.is_unresolved(prefix):
        return
    if not re.fullmatch(WORKSPACE_PREFIX_PATTERN, prefix):
        raise ValueError(
            f"prefix is {prefix!r}, but it must be one or more parts of letters, digits and "
            "! _ . ' ( ) - with single slashes between them, and none of them . or ..; change it"
        )
    if prefix.split("/")[0] == SESSION_RECORDS:
        raise ValueError(
            f"prefix is {prefix!r}, but session records are kept in {SESSION_RECORDS!r}; change it"
        )


def _refuse_settings(**settings: object) -> None:
    names = [name for name, value in settings.items() if value is not None]
    if names:
        raise ValueError(
            f"{', '.join(names)} cannot be given together with bucket, because an existing bucket "
            "keeps its own settings; leave out one or the other"
        )
