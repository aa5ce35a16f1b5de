from __future__ import annotations

import urllib.error
import urllib.request

from botocore.config import Config

from local_aws import LocalAws


def test_they_end_when_the_clock_is_advanced() -> None:
    with LocalAws() as aws:
        s3 = aws.client("s3", config=Config(signature_version="s3v4"))
        s3.create_bucket(Bucket="a-bucket")
        s3.put_object(Bucket="a-bucket", Key="a-key", Body=b"content")

        def signed() -> str:
            target = {"Bucket": "a-bucket", "Key": "a-key"}
            url: str = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=3600)
            return url

        first = signed()
        assert is_valid(first)
        aws.agentcore.advance_clock(3500)
        assert is_valid(first)
        second = signed()
        aws.agentcore.advance_clock(200)
        assert not is_valid(first)
        assert is_valid(second)
        aws.agentcore.advance_clock(8 * 3600)
        assert not is_valid(second)
        assert is_valid(signed())


def is_valid(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"content"
    except urllib.error.HTTPError as error:
        with error:
            assert (error.code, b"Request has expired" in error.read()) == (403, True)
        return False
    return True
