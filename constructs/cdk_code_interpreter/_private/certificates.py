"""Root certificates that sandboxes trust in addition to the public ones."""

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
    """Let `grantee` read the secret, and nothing else of it.

    AgentCore reads certificates with the credentials of who creates the code interpreter or
    starts a session, not with the execution role's.
    """
    grant = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=READ_SECRET,
        # Without a full ARN, the six characters that Secrets Manager appends are not known.
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
