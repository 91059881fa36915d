"""The pages: paths and links lead somewhere, the first page stays short, the forms for issues are what GitHub reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NOT_OURS = {".venv", "build", "node_modules", ".pytest_cache"}
PAGES = sorted(page for page in ROOT.rglob("*.md") if not NOT_OURS & set(page.relative_to(ROOT).parts))
MAP = ROOT / "rtdiag" / "README.md"
FORMS = {path.name: path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))}
MOST_LINES = 168
# Files that a page speaks of and that lie with whoever reads it.
THE_READERS = {"rtdiag.yaml", "timing.py", "rtdiag.json", "rtdiag.md"}

each_page = pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
each_form = pytest.mark.parametrize("name", sorted(FORMS.keys() - {"config.yml"}))


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link may name after its #, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if page != MAP], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    """Those of the map: test_house.py."""
    named = set(re.findall(r"`([\w./-]+(?:\.py|\.yaml|\.yml|\.json|\.md|/))`", prose(page)))
    assert [
        path for path in named - THE_READERS if not any((place / path).exists() for place in (page.parent, ROOT))
    ] == []


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_headings_become_anchors_as_github_makes_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `code` page, isn't it?\n\n```\n# no heading\n```\n\n## rtdiag run\n", encoding="utf-8")
    assert anchors(page) == {"a-code-page-isnt-it", "rtdiag-run"}


def test_the_first_page_is_short_and_leaves_the_options_to_theirs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "<!-- help:" not in text
    assert "Usage: " not in text


def test_every_page_is_reached_from_the_first() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#:]+\.md)[^)]*\)", prose(page))
            waiting += [(page.parent / link).resolve() for link in links]
    assert set(PAGES) <= reached


def form(name: str) -> dict[str, Any]:
    found = yaml.safe_load(FORMS[name].read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@each_form
def test_a_form_has_what_github_requires(name: str) -> None:
    """As told by docs.github.com (2026): syntax for issue forms, and for GitHub's form schema."""
    found = form(name)
    assert found.keys() <= {"name", "description", "body", "labels", "title", "assignees", "projects", "type"}
    assert all(isinstance(found[key], str) and found[key] for key in ("name", "description"))
    asked = [part for part in found["body"] if part["type"] != "markdown"]
    assert asked
    for part in found["body"]:
        assert part.keys() <= {"type", "id", "attributes", "validations"}
        assert part["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
        assert part["attributes"]["value" if part["type"] == "markdown" else "label"]
    for names in ([part["id"] for part in asked], [part["attributes"]["label"] for part in asked]):
        assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w-]+", part["id"]) for part in asked)


def test_the_forms_ask_for_what_a_diagnosis_needs() -> None:
    wrong, missing = (FORMS[name].read_text(encoding="utf-8") for name in ("wrong-diagnosis.yml", "missing-cause.yml"))
    assert "`rtdiag run -o markdown`" in wrong
    assert "`rtdiag --version`" in wrong
    assert {part["id"] for part in form("missing-cause.yml")["body"]} >= {"text", "source"}
    assert "`rtdiag explain" in missing


def test_what_is_in_the_folder_of_forms_is_a_form_or_their_settings() -> None:
    assert form("config.yml").keys() <= {"blank_issues_enabled", "contact_links"}
    assert len(FORMS) > 1
