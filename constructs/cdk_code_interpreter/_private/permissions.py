"""The AWS actions, condition keys, principals and tag names that the library's policies name.

Each group serves one purpose and stands under the page that defines it. The header that names a
session is here, too: like the tag, it has to be the same in a Lambda function.

The groups are lists, because JSII takes no tuples.
"""

from __future__ import annotations

# "Actions, resources, and condition keys for Amazon Bedrock AgentCore", Service Authorization
# Reference:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html

READ_CODE_INTERPRETER = [
    "bedrock-agentcore:GetCodeInterpreter",
    "bedrock-agentcore:GetCodeInterpreterSession",
    "bedrock-agentcore:ListCodeInterpreterSessions",
]
# CDK's `grant_use()` leaves these out.
READ_SESSIONS = [
    "bedrock-agentcore:GetCodeInterpreterSession",
    "bedrock-agentcore:ListCodeInterpreterSessions",
]
# These two take no resource, so a statement names all.
CREATE_CODE_INTERPRETER = ["bedrock-agentcore:CreateCodeInterpreter"]
LIST_CODE_INTERPRETERS = ["bedrock-agentcore:ListCodeInterpreters"]
REMOVE_CODE_INTERPRETER = [
    "bedrock-agentcore:DeleteCodeInterpreter",
    "bedrock-agentcore:GetCodeInterpreter",
    "bedrock-agentcore:ListCodeInterpreterSessions",
    "bedrock-agentcore:StopCodeInterpreterSession",
]
MANAGE_CODE_INTERPRETER = [
    *REMOVE_CODE_INTERPRETER,
    "bedrock-agentcore:TagResource",
    "bedrock-agentcore:UntagResource",
]
READ_TAGS = ["bedrock-agentcore:ListTagsForResource"]
ADD_TAGS = ["bedrock-agentcore:TagResource"]

SUBNETS_KEY = "bedrock-agentcore:subnets"
SECURITY_GROUPS_KEY = "bedrock-agentcore:securityGroups"

# The control function puts this tag on each code interpreter that it creates, and its permissions
# depend on it. `code_interpreter_control` has the same name.
STACK_TAG = "cdk-code-interpreter:stack-id"
REQUEST_STACK_TAG_KEY = f"aws:RequestTag/{STACK_TAG}"
RESOURCE_STACK_TAG_KEY = f"aws:ResourceTag/{STACK_TAG}"

# "Service-linked role for AgentCore VPC", AgentCore developer guide, "Configure AgentCore Runtime
# and tools for VPC":
# https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html
CREATE_SERVICE_LINKED_ROLE = ["iam:CreateServiceLinkedRole"]
NETWORK_PRINCIPAL = "network.bedrock-agentcore.amazonaws.com"
NETWORK_ROLE_PATH = f"aws-service-role/{NETWORK_PRINCIPAL}/AWSServiceRoleForBedrockAgentCoreNetwork"

# "Grant a user permissions to pass a role to an AWS service", IAM user guide:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
PASS_ROLE = ["iam:PassRole"]
AGENTCORE_PRINCIPAL = "bedrock-agentcore.amazonaws.com"

# "Working with Lambda execution role permissions", AWS Lambda developer guide, without the
# permission to create log groups:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
LAMBDA_PRINCIPAL = "lambda.amazonaws.com"
WRITE_LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]
LOG_DELIVERY_PRINCIPAL = "delivery.logs.amazonaws.com"
MANAGE_NETWORK_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]

# "Setting up Amazon EventBridge Scheduler", EventBridge Scheduler user guide:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
SCHEDULER_PRINCIPAL = "scheduler.amazonaws.com"
INVOKE_FUNCTION = ["lambda:InvokeFunction"]

# "Resource-based policy to allow Amazon Bedrock Agents to invoke an action group Lambda function",
# Amazon Bedrock user guide:
# https://docs.aws.amazon.com/bedrock/latest/userguide/agents-permissions.html
BEDROCK_PRINCIPAL = "bedrock.amazonaws.com"

# "Using IAM to control file system data access", Amazon EFS user guide:
# https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
MOUNT_EFS = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
# Users of AgentCore Runtime report that it validates these, too, when a file system is configured
# and mounted. "Actions, resources, and condition keys for Amazon Elastic File System", Service
# Authorization Reference, has their resources:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticfilesystem.html
DESCRIBE_EFS = ["elasticfilesystem:DescribeAccessPoints", "elasticfilesystem:DescribeMountTargets"]
EFS_ACCESS_POINT_KEY = "elasticfilesystem:AccessPointArn"

# "Actions, resources, and condition keys for Amazon S3 Files", Service Authorization Reference:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3files.html
MOUNT_S3_FILES = ["s3files:ClientMount", "s3files:ClientWrite"]
READ_S3_FILES_ACCESS_POINT = ["s3files:GetAccessPoint"]
# Validated in the same way as `DESCRIBE_EFS`.
LIST_S3_FILES_MOUNT_TARGETS = ["s3files:ListMountTargets"]
S3_FILES_ACCESS_POINT_KEY = "s3files:AccessPointArn"

# "Permissions policy examples for AWS Secrets Manager", AWS Secrets Manager user guide:
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
READ_SECRET = ["secretsmanager:GetSecretValue"]
DECRYPT = ["kms:Decrypt"]

# "Required permissions for Amazon S3 API operations", Amazon S3 user guide:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
READ_WRITE_OBJECTS = ["s3:GetObject", "s3:PutObject"]
DELETE_OBJECTS = ["s3:DeleteObject"]
LIST_OBJECTS = ["s3:ListBucket"]
READ_BUCKET_TAGS = ["s3:GetBucketTagging"]
EVERY_S3_ACTION = ["s3:*"]

# "Using server-side encryption with AWS KMS keys", Amazon S3 user guide:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
USE_OBJECT_KEY = ["kms:Decrypt", "kms:GenerateDataKey"]

# "Restricting access to Parameter Store parameters using IAM policies", AWS Systems Manager user
# guide:
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
READ_PARAMETER = ["ssm:GetParameter"]

# The header that names the session of a request through a Gateway. `code_interpreter_invoke` has
# the same name.
SESSION_HEADER = "x-code-interpreter-session"
# The trace of a request through a Gateway (W3C Trace Context), which the function passes on.
TRACE_HEADER = "traceparent"
