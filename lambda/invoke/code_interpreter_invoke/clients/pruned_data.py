"""The service models and endpoints that the function ships, for its own sessions alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import JSONFileLoader, Loader

MODELS = Path(__file__).parent.parent / "models"


class PlainFiles(JSONFileLoader):
    """Reads files into plain dictionaries, in half of the time that ordered ones take."""

    def load_file(self, file_path: str) -> dict[str, Any] | None:
        """Return the data of a file whose path lacks `.json`, or None if there is none."""
        path = Path(f"{file_path}.json")
        if not path.is_file():
            return None
        data: dict[str, Any] = json.loads(path.read_bytes())
        return data


class PrunedData(Loader):
    """Finds data in `models`, and data that is not there among botocore's own.

    botocore's loader looks through the folders of all services and reads the endpoints of all of
    them, which takes most of the time of creating a client. A session that was not given this
    loader, such as one of an extension, does not see `models`.
    """

    def __init__(self) -> None:
        super().__init__(
            extra_search_paths=[str(MODELS)],
            file_loader=PlainFiles(),
            include_default_search_paths=False,
        )

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> dict[str, Any]:
        """Return one file of a service's model, such as its `service-2`."""
        model: dict[str, Any]
        try:
            model = super().load_service_model(service_name, type_name, api_version)
        except (DataNotFoundError, UnknownServiceError):
            model = Loader().load_service_model(service_name, type_name, api_version)
        return model

    def load_data_with_path(self, name: str) -> tuple[dict[str, Any], str]:
        """Return the data of one file, and the file's path."""
        try:
            data, path = super().load_data_with_path(name)
        except DataNotFoundError:
            data, path = Loader().load_data_with_path(name)
        return data, path

    def is_builtin_path(self, path: str) -> bool:  # noqa: ARG002 - botocore's signature
        """Say that all data is botocore's own; it would take other endpoints for a user's."""
        return True
