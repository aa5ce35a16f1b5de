"""The id of the code interpreter, which changes when another stack replaces it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .errors import error_text

logger = logging.getLogger(__name__)


class CurrentId:
    """The id, for as long as the execution environment lives.

    The code interpreter of the function's own stack is replaced before the function is updated, and
    is deleted after it. Another stack deletes it before: its replacement is then in a parameter.
    """

    def __init__(
        self, deployed: str, parameter: str | None, connect_ssm: Callable[[], Any]
    ) -> None:
        """Take the id that the function was deployed with.

        :param parameter: The parameter that always has the id; None in the function's own stack.
        :param connect_ssm: Returns a client of Systems Manager.
        """
        self.value = deployed
        self._parameter = parameter
        self._connect_ssm = connect_ssm

    def look_up(self) -> bool:
        """Read the parameter, and return whether the id has changed.

        If the parameter cannot be read, the id stays as it is, and so does the failure for which
        the caller looks it up.
        """
        if self._parameter is None:
            return False
        earlier = self.value
        try:
            response = self._connect_ssm().get_parameter(Name=self._parameter)
            self.value = str(response["Parameter"]["Value"])
        except (ClientError, BotoCoreError) as error:
            logger.warning("cannot read the id of the code interpreter: %s", error_text(error))
        return self.value != earlier
