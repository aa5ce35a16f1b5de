"""The document of open questions has a row for each experiment."""

from __future__ import annotations

from tests.golden_files import check_file
from tests.project import PROJECT
from verify.document import updated

DOCUMENT = PROJECT / "docs" / "unknowns.md"


def test_the_document_has_every_experiment() -> None:
    check_file(DOCUMENT, updated(DOCUMENT.read_text()))
