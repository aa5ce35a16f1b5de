from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from botocore.config import Config

from local_aws import LocalAws


def test_they_end_when_the_clock_is_advanced() -> None:
    with LocalAws() as aws:
        s3 = aws.client("s3", config=Config(signature_version="s3v4"))
        s3.create_bucket(Bucket="a-bucket")
        s3.put_object(Bucket="a-bucket", Key="a-key", Body=b"content")
        target = {"Bucket": "a-bucket", "Key": "a-key"}
        url = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=3600)
        for seconds in (0, 3500):
            advance(aws, seconds)
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == b"content"
        advance(aws, 200)
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(url)
        with error.value as answer:
            assert (answer.code, b"Request has expired" in answer.read()) == (403, True)


def advance(aws: LocalAws, seconds: int) -> None:
    given = json.dumps({"advance_seconds": seconds}).encode()
    request = urllib.request.Request(f"{aws.endpoint}/_agentcore/clock", given, method="POST")
    urllib.request.urlopen(request).close()
