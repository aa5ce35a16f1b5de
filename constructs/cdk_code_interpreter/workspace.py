"""The bucket in which sessions keep their files."""

from __future__ import annotations

import re

from aws_cdk import Duration, RemovalPolicy, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ._private.nag import acknowledge
from ._private.permissions import (
    EVERY_S3_ACTION,
    LIST_OBJECTS,
    READ_WRITE_OBJECTS,
    USE_OBJECT_KEY,
)
from ._private.validation import check_days

# Where the invoke function keeps one record per named session, outside every workspace prefix.
SESSION_RECORDS = "sessions"

# What Amazon S3 calls safe in keys, without what means something else elsewhere: * in policies, and
# . and .. in URLs.
_PREFIX_PART = r"(?!\.{1,2}(/|$))[A-Za-z0-9!_.'()-]+"
_PREFIX = re.compile(f"{_PREFIX_PART}(/{_PREFIX_PART})*")
# A session lives for 8 hours at most; its record is of no use for much longer.
_RECORD_EXPIRATION = Duration.days(2)
# What the invoke function hands to a sandbox is shorter lived; this caps whatever else is signed.
_LONGEST_PRESIGNED_LIFE = Duration.minutes(15)


class Workspace(Construct):
    """Define the bucket where sessions find what users uploaded and keep what code produced.

    A file's key is `<prefix>/<session>/uploads/<path>` or
    `<prefix>/<session>/code-interpreter/<path>`.

    :param bucket: An existing bucket to use instead. What it lets through and keeps is then up to
        its owner, so no other setting but `prefix` may be given. Default: a new one that is
        private, encrypted and reachable through TLS only.
    :param prefix: Default: `workspace`.
    :param encryption_key: Encrypts the files of a new bucket. Who gets them through this construct
        may use it, too. Default: the key that Amazon S3 manages.
    :param expiration: How many days after their last change files are deleted. Default: they are
        kept.
    :param versioned: Keep what is overwritten or deleted for another 30 days. Default: no.
    :param removal_policy: What becomes of the bucket when it leaves the stack. `DESTROY` deletes
        its files, too. Default: it is kept.
    :param server_access_logs_bucket: Where access to the files is logged. Default: nowhere.
    :ivar bucket: The new bucket, or the existing one.
    """

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
    ) -> None:
        _check_prefix(prefix)
        if expiration is not None:
            check_days("expiration", expiration)
        if bucket is not None:
            _refuse_settings(
                encryption_key=encryption_key,
                expiration=expiration,
                versioned=versioned,
                removal_policy=removal_policy,
                server_access_logs_bucket=server_access_logs_bucket,
            )
        super().__init__(scope, construct_id)
        self.prefix = prefix
        self.bucket: s3.IBucket = bucket or self._new_bucket(
            encryption_key=encryption_key,
            expiration=expiration,
            versioned=bool(versioned),
            removal_policy=removal_policy or RemovalPolicy.RETAIN,
            server_access_logs_bucket=server_access_logs_bucket,
        )

    @property
    def key_patterns(self) -> tuple[str, str]:
        """The ARN patterns of all files, and of all session records."""
        return (
            self.bucket.arn_for_objects(f"{self.prefix}/*"),
            self.bucket.arn_for_objects(f"{SESSION_RECORDS}/*"),
        )

    def grant_read_write(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read and write every session's files, and keep session records.

        Nothing is deleted: the bucket's lifecycle rules do that. A bucket or a key of another
        account has to let `grantee` in, too.

        Mind that a code interpreter's execution role would share this with all code in every
        sandbox.
        """
        files, records = self.key_patterns
        grant = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=READ_WRITE_OBJECTS,
            resource_arns=[files, records],
        )
        grant = grant.combine(
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=LIST_OBJECTS,
                resource_arns=[self.bucket.bucket_arn],
                conditions={
                    "StringLike": {"s3:prefix": [f"{self.prefix}/*", f"{SESSION_RECORDS}/*"]}
                },
            )
        )
        if self.bucket.encryption_key is not None:
            # What Amazon S3 does in the name of who reads or writes an object.
            grant = grant.combine(
                iam.Grant.add_to_principal(
                    grantee=grantee,
                    actions=USE_OBJECT_KEY,
                    resource_arns=[self.bucket.encryption_key.key_arn],
                )
            )
        return grant

    def _new_bucket(
        self,
        *,
        encryption_key: kms.IKey | None,
        expiration: Duration | None,
        versioned: bool,
        removal_policy: RemovalPolicy,
        server_access_logs_bucket: s3.IBucket | None,
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
        if server_access_logs_bucket is None:
            acknowledge(
                bucket,
                "AwsSolutions-S1",
                "a log bucket is the user's choice (server_access_logs_bucket); CloudTrail data "
                "events record the same access",
            )
        return bucket

    def _refuse_weak_signatures(self, bucket: s3.Bucket) -> None:
        """Whoever signs a URL for a file, it is no weaker and lives no longer than this."""
        for condition in (
            {"StringEquals": {"s3:signatureversion": "AWS"}},
            {
                "NumericGreaterThan": {
                    "s3:signatureAge": str(_LONGEST_PRESIGNED_LIFE.to_milliseconds())
                }
            },
        ):
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=EVERY_S3_ACTION,
                    resources=[bucket.bucket_arn, bucket.arn_for_objects("*")],
                    conditions=condition,
                )
            )


def _check_prefix(prefix: str) -> None:
    if Token.is_unresolved(prefix):
        return
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(
            f"prefix is {prefix!r}, but it must be one or more parts of letters, digits and "
            "! _ . ' ( ) - with single slashes between them, and none of them . or ..; change it"
        )
    if prefix.split("/")[0] == SESSION_RECORDS:
        raise ValueError(
            f"prefix is {prefix!r}, but session records are kept in {SESSION_RECORDS!r}; change it"
        )


def _refuse_settings(**settings: object) -> None:
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise ValueError(
            f"{', '.join(given)} cannot be given together with bucket, because an existing bucket "
            "keeps its own settings; leave out one or the other"
        )
