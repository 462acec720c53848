"""What the documents promise is there: sections, links, a heading for every setting."""

import re
from pathlib import Path

import pytest

from tests.tidy.source import ROOT, files, product

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
SECTIONS = ("## Context", "## Decision", "## Consequences", "## Alternatives", "## References", "## The line people will quote")
DOCUMENTS = [path for path in files() if path.suffix == ".md"]


def settings() -> set[str]:
    """The names of all settings that the product reads from its environment."""
    return {name for source in product() for name in re.findall(r"\bBUT_[A-Z][A-Z0-9_]*[A-Z0-9]\b", source.text)}


def test_every_setting_has_its_heading_and_every_heading_its_setting() -> None:
    headings = set(re.findall(r"^#+ `(BUT_[A-Z0-9_]+)`", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == settings()


@pytest.mark.parametrize("record", DECISIONS, ids=lambda path: path.name)
def test_a_decision_record_has_all_its_sections_on_one_page(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert [part for part in SECTIONS if f"\n{part}\n" not in text] == []
    assert re.match(rf"# {int(record.name[:4])}\. \S", text)
    assert len(text.split()) < 700


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(record.name[:4]) for record in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not link.startswith("mailto:") and not (document.parent / link).exists()]
    assert missing == []


def test_the_changelog_tells_what_is_not_released_yet() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
