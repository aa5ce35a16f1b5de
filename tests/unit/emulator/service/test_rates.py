from __future__ import annotations

import pytest

from agentcore_emulator.model.errors import ThrottlingError
from agentcore_emulator.service.clock import ServiceClock
from agentcore_emulator.service.owner import Owner
from agentcore_emulator.service.rates import Rates
from agentcore_emulator.settings import EmulatorSettings

OWNER = Owner("111122223333", "eu-west-1")


@pytest.mark.parametrize(
    ("operation", "limit"),
    [
        ("CreateCodeInterpreter", 5),
        ("DeleteCodeInterpreter", 5),
        ("GetCodeInterpreter", 30),
        ("InvokeCodeInterpreter", 30),
    ],
)
def test_the_documented_rates(operation: str, limit: int) -> None:
    clock = ServiceClock()
    rates = Rates(EmulatorSettings(enforce_rates=True), clock)
    for _ in range(limit):
        rates.check(OWNER, operation)
    with pytest.raises(ThrottlingError, match=f"{operation} is limited to {limit}"):
        rates.check(OWNER, operation)
    rates.check(OWNER._replace(region="us-east-1"), operation)
    rates.check(OWNER, "ListCodeInterpreters")
    clock.advance(1)
    rates.check(OWNER, operation)


def test_rates_are_not_enforced_by_default() -> None:
    rates = Rates(EmulatorSettings(), ServiceClock())
    for _ in range(100):
        rates.check(OWNER, "CreateCodeInterpreter")
