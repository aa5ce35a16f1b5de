"""The machine that a sandbox is: variables, libraries, metadata, network."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from agentcore_emulator.sandbox.libraries import LIBRARIES
from code_interpreter_client.skill import skill_text
from local_aws.cdk import PROJECT
from verify.experiment import Finding, Reading, differs, holds, holds_if
from verify.sandbox import stdout

if TYPE_CHECKING:
    from verify.context import Context
    from verify.sandbox import Sandbox

VERSIONS = """
import json, sys
from importlib.metadata import distributions
names = [(d.metadata["Name"], d.version) for d in distributions()]
found = {name.lower().replace("_", "-"): version for name, version in names if name}
print(json.dumps({"python": sys.version.split()[0], **found}))
"""

METADATA = """
import json, urllib.error, urllib.request
BASE = "http://169.254.169.254/latest/"
def status(path, method="GET", **headers):
    request = urllib.request.Request(BASE + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=3) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError as error:
        return type(error).__name__, ""
token = status("api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
role = "meta-data/iam/security-credentials/"
import boto3
print(json.dumps({
    "without a token": status(role)[0],
    "token": token[0],
    "with a token": status(role, **{"X-aws-ec2-metadata-token": token[1]})[0],
    "credentials": boto3.Session().get_credentials() is not None,
}))
"""

# It prints, by probe, whether anything came back: an HTTP error is a response, too.
REACH = """
import json, socket, urllib.error, urllib.request
def reaches(url):
    try:
        urllib.request.urlopen(url, timeout=5)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
    return 200
def resolves(name):
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False
print(json.dumps({
    "name of the internet": resolves("example.com"),
    "name of AWS": resolves("s3.REGION.amazonaws.com"),
    "own bucket": reaches("OWN_URL"),
    "foreign bucket": reaches("https://s3.REGION.amazonaws.com/verify-foreign-RUN/key"),
    "bucket of another region": reaches("https://s3.OTHER.amazonaws.com/verify-foreign-RUN/key"),
    "STS": reaches("https://sts.REGION.amazonaws.com/"),
    "internet": reaches("https://example.com/"),
}))
"""
# A published measurement of October 2026, and the documents for the other modes. In a VPC, routes
# and endpoints decide on the other probes.
EXPECTED = {
    "SANDBOX": {
        "name of the internet": False,
        "name of AWS": True,
        "own bucket": True,
        "foreign bucket": True,
        "bucket of another region": False,
        "STS": False,
        "internet": False,
    },
    "PUBLIC": {
        "name of the internet": True,
        "name of AWS": True,
        "own bucket": True,
        "foreign bucket": True,
        "bucket of another region": True,
        "STS": True,
        "internet": True,
    },
    "VPC": {"own bucket": True},
    "SEALED": {
        "name of the internet": False,
        "name of AWS": False,
        "own bucket": False,
        "foreign bucket": False,
        "bucket of another region": False,
        "STS": False,
        "internet": False,
    },
}


def region_variables(context: Context) -> Reading:
    output = context.sandbox.command('echo "${AWS_REGION:-}${AWS_DEFAULT_REGION:-}"')
    return Reading(bool(output), f"AWS_REGION and AWS_DEFAULT_REGION are {output or 'not set'}")


def home(context: Context) -> Reading:
    folder, directory = context.sandbox.command('echo "$HOME"; pwd').splitlines()
    is_same = folder == directory
    return Reading(
        "working_directory" if is_same else "separate",
        f"HOME is {'the working directory' if is_same else 'another folder'}",
    )


def libraries(context: Context) -> Finding:
    """Compare the sandbox's packages with the skill's list, and with the documented ones."""
    versions: dict[str, str] = json.loads(stdout(context.sandbox.python(VERSIONS)))
    promised, pinned = promised_libraries(), pinned_versions()
    missing = [name for name in promised if name not in versions]
    documented = sorted(set(LIBRARIES.values()) - versions.keys())
    other = [
        f"{name} {versions[name]} ({' or '.join(pinned[name])})"
        for name in promised
        if name in versions and versions[name] not in pinned[name]
    ]
    evidence = (
        f"Python {versions['python']}, {len(versions) - 1} packages; "
        f"missing of the skill's: {', '.join(missing) or 'none'}; "
        f"other versions than in the local AWS: {', '.join(other) or 'none'}; "
        f"missing of the documented: {', '.join(documented) or 'none'}"
    )
    return Finding("differs" if missing else "holds", evidence, details=versions)


def promised_libraries() -> list[str]:
    """Return the distributions that the skill names."""
    sentence = re.search(r"among others ([^.]+)\.", " ".join(skill_text([]).split()))
    assert sentence is not None
    names = re.split(r", | and ", sentence.group(1))
    return [name.lower() for name in names]


def pinned_versions() -> dict[str, list[str]]:
    """Return the versions of the local AWS, which depend on the version of Python."""
    pinned: dict[str, list[str]] = {}
    lines = (PROJECT / "requirements" / "sandbox.txt").read_text()
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lines, re.MULTILINE):
        pinned.setdefault(name, []).append(version)
    return pinned


def metadata_service(context: Context) -> Finding:
    """Look for credentials in a sandbox, whose code interpreter has a role or none."""
    found = json.loads(stdout(context.sandbox.python(METADATA)))
    read = context.control.get_code_interpreter(codeInterpreterId=context.interpreter_id)
    has_role = "executionRoleArn" in read
    evidence = f"role: {has_role}; " + "; ".join(f"{name}: {is_}" for name, is_ in found.items())
    return holds_if(found["credentials"] == has_role, evidence)


def network_reach(context: Context) -> Finding:
    """Try to reach names, buckets, STS and the internet, and compare with the network mode."""
    return compare_reach(context, context.sandbox, context.network_mode)


def sealed_network(context: Context) -> Finding:
    """Start a sandbox in a network without any way out, and try to reach something from it."""
    outputs = context.deployments.outputs("Sealed")
    vpc = {"subnets": outputs["SubnetIds"].split(","), "securityGroups": [outputs["Group"]]}
    network = {"networkMode": "VPC", "vpcConfig": vpc}
    with (
        context.new_interpreter(networkConfiguration=network) as interpreter_id,
        context.new_sandbox(interpreter_id) as sandbox,
    ):
        return compare_reach(context, sandbox, "SEALED")


def compare_reach(context: Context, sandbox: Sandbox, mode: str) -> Finding:
    """Run the probes in a sandbox, and compare what they reach with what a mode promises."""
    key = f"{context.prefix}/verify_{context.run}/absent"
    url = context.bucket_client().generate_presigned_url(
        "get_object", {"Bucket": context.bucket, "Key": key}, 300
    )
    other = "us-west-2" if context.region != "us-west-2" else "us-east-1"
    code = (
        REACH.replace("REGION", context.region)
        .replace("OTHER", other)
        .replace("RUN", context.run)
        .replace("OWN_URL", url)
    )
    found = json.loads(stdout(sandbox.python(code)))
    expected = EXPECTED[mode]
    wrong = [name for name, reached in expected.items() if bool(found[name]) != reached]
    evidence = f"{mode}: " + "; ".join(
        f"{name}: {is_ if is_ else 'not reached'}" for name, is_ in found.items()
    )
    return differs(f"not as expected: {', '.join(wrong)}. {evidence}") if wrong else holds(evidence)
