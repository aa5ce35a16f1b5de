from __future__ import annotations

import pytest

from agentcore_emulator.model.errors import ValidationError
from agentcore_emulator.service.paging import page


def pages(records: list[str], size: int | None) -> list[list[str]]:
    found, token = page(records, str, size, None)
    result = [found]
    while token:
        found, token = page(records, str, size, token)
        result.append(found)
    return result


def test_newest_first_and_every_record_once() -> None:
    assert pages(["b", "a", "c"], 2) == [["c", "b"], ["a"]]


def test_the_last_full_page_has_no_token() -> None:
    assert pages(["a", "b"], 2) == [["b", "a"]]


def test_a_page_has_ten_records_by_default() -> None:
    assert [len(records) for records in pages([f"{n:02}" for n in range(25)], None)] == [10, 10, 5]


def test_records_made_or_gone_in_between_neither_repeat_nor_hide_others() -> None:
    _, token = page(["a", "b", "c", "d"], str, 2, None)
    assert page(["a", "b", "e"], str, 2, token)[0] == ["b", "a"]


@pytest.mark.parametrize("token", ["%", "YQ", "_w==", "é"])
def test_refuses_a_token_of_another_origin(token: str) -> None:
    with pytest.raises(ValidationError) as refused:
        page(["a"], str, 1, token)
    assert refused.value.members["fieldList"][0]["name"] == "nextToken"
