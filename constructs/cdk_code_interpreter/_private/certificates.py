"""Root certificates that sandboxes trust in addition to the public certificates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager

from ..limits import MAX_CERTIFICATES
from .permissions import DECRYPT, READ_SECRET


def check_certificates(certificates: Sequence[secretsmanager.ISecret]) -> None:
    if len(certificates) > MAX_CERTIFICATES:
        raise ValueError(
            f"{len(certificates)} certificates are given, but a code interpreter takes at most "
            f"{MAX_CERTIFICATES}; remove some"
        )


def render_certificates(certificates: Sequence[secretsmanager.ISecret]) -> list[dict[str, Any]]:
    return [
        {"Location": {"SecretsManager": {"SecretArn": certificate.secret_arn}}}
        for certificate in certificates
    ]


def grant_read_secret(secret: secretsmanager.ISecret, grantee: iam.IGrantable) -> iam.Grant:
    """Let `grantee` read the value of the secret.

    AgentCore reads certificates with the credentials of the caller that creates the code
    interpreter or starts a session, not with those of the execution role.
    """
    grant = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=READ_SECRET,
        # The six characters that Secrets Manager appends are unknown without a full ARN.
        resource_arns=[secret.secret_full_arn or f"{secret.secret_arn}-??????"],
    )
    if secret.encryption_key is not None:
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=DECRYPT,
            resource_arns=[secret.encryption_key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"secretsmanager.{Aws.REGION}.{Aws.URL_SUFFIX}"}
            },
        )
    return grant
