"""Root certificates that sandboxes trust in addition to the public certificates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Arn, ArnComponents, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from ..limits import MAX_CERTIFICATES
from .permissions import DECRYPT, READ_SECRET

# So many fit into a managed policy, with names of up to 50 characters and a key for each secret.
SECRETS_PER_POLICY = 25
INLINE_SECRETS = 10
# A UUID, or "mrk-" and 32 digits.
_KEY_ID_PATTERN = "?" * 36


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


def grant_read_secrets(
    secrets: Sequence[secretsmanager.ISecret], grantee: iam.IGrantable
) -> list[iam.Grant]:
    """Let `grantee` read the values of the secrets.

    AgentCore reads certificates with the credentials of the caller that creates the code
    interpreter or starts a session, not with those of the execution role.

    The first secrets have a statement each. The others share statements, which are shorter, and
    each of which CDK can move to a managed policy of its own.
    """
    groups = [[secret] for secret in secrets[:INLINE_SECRETS]] + [
        list(secrets[first : first + SECRETS_PER_POLICY])
        for first in range(INLINE_SECRETS, len(secrets), SECRETS_PER_POLICY)
    ]
    return [_grant_read(group, grantee) for group in groups]


def _grant_read(secrets: Sequence[secretsmanager.ISecret], grantee: iam.IGrantable) -> iam.Grant:
    """Let `grantee` read the values of secrets, in one statement."""
    grant = iam.Grant.add_to_principal(
        grantee=grantee,
        actions=READ_SECRET,
        # The six characters that Secrets Manager appends are unknown without a full ARN.
        resource_arns=[
            secret.secret_full_arn or f"{secret.secret_arn}-??????" for secret in secrets
        ],
    )
    keys = dict.fromkeys(arn for secret in secrets if (arn := _key_arn(secret)) is not None)
    if keys:
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=DECRYPT,
            resource_arns=list(keys),
            conditions={
                "StringEquals": {"kms:ViaService": f"secretsmanager.{Aws.REGION}.{Aws.URL_SUFFIX}"}
            },
        )
    return grant


def _key_arn(secret: secretsmanager.ISecret) -> str | None:
    """Return the ARN of the key that encrypts the secret, or None for Secrets Manager's own key.

    An imported secret does not tell its key. The pattern matches every key of the secret's account,
    but Secrets Manager decrypts for a caller only the secrets that the caller may read.
    """
    key = secret.encryption_key
    if key is not None:
        return key.key_arn
    if isinstance(secret, secretsmanager.Secret):
        return None
    return Arn.format(
        ArnComponents(
            service="kms",
            region=secret.env.region,
            account=secret.env.account,
            resource="key",
            resource_name=_KEY_ID_PATTERN,
        ),
        Stack.of(secret),
    )


class SecretPermissions:
    """The permissions of one role to read any number of secrets.

    IAM allows 10,240 characters for all inline policies of a role, and 6,144 for a managed policy.
    So the first secrets are in an inline policy, and each further group is in a managed policy.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, inline: iam.IGrantable, role: iam.IRole
    ) -> None:
        self._scope = scope
        self._construct_id = construct_id
        self._inline = inline
        self._role = role
        self._allowed: list[secretsmanager.ISecret] = []
        self._policies: list[iam.ManagedPolicy] = []

    def allow(self, secrets: Sequence[secretsmanager.ISecret]) -> list[iam.ManagedPolicy]:
        """Let the role read the secrets, and return all managed policies that it needs."""
        remaining = list(secrets)
        while remaining:
            count = len(self._allowed)
            if count < INLINE_SECRETS:
                group, grantee = remaining[:1], self._inline
            else:
                place = (count - INLINE_SECRETS) % SECRETS_PER_POLICY
                group = remaining[: SECRETS_PER_POLICY - place]
                grantee = self._new_policy() if place == 0 else self._policies[-1]
            _grant_read(group, grantee)
            self._allowed += group
            remaining = remaining[len(group) :]
        return self._policies

    def _new_policy(self) -> iam.ManagedPolicy:
        construct_id = f"{self._construct_id}{len(self._policies) + 1}"
        policy = iam.ManagedPolicy(self._scope, construct_id)
        self._policies.append(policy)
        if isinstance(self._role, iam.Role):
            # With `add_managed_policy()`, the stack of the role would depend on this stack.
            policy.attach_to_role(self._role)
        else:
            self._role.add_managed_policy(policy)  # which an immutable role ignores
        return policy
