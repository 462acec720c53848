"""The pages: nothing on them comes from another machine, and every problem has one."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from but_gateway.rules.texts import code_list
from but_gateway.web.problems import all_problems
from tests.factories.instance import Instance, running

PROBLEMS = [problem for problem in all_problems() if problem.__module__.startswith("but_gateway.")]
CODES = [entry.code for entry in code_list("de")]


@pytest_asyncio.fixture(scope="module")
async def instance(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """The service; its pages need no database."""
    async with running("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", tmp_path_factory.mktemp("keys")) as made:
        yield made


@pytest.mark.parametrize("path", ["/docs", "/problems", "/problems/invalid", f"/problems/{CODES[0]}"])
async def test_a_page_asks_nobody_but_us(instance: Instance, path: str) -> None:
    page = await instance.http.get(path)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith("/"), address
        assert not address.startswith("//")
        assert (await instance.http.get(address)).status_code == 200, address


async def test_the_viewer_is_ours_to_the_last_byte(instance: Instance) -> None:
    start = await instance.http.get("/docs/assets/start.js")
    assert "validatorUrl: null" in start.text
    assert "http" not in start.text
    styles = await instance.http.get("/docs/assets/swagger-ui.css")
    assert all(
        address.startswith(("data:", "#")) for address in re.findall(r"url\(([^)]+)\)", styles.text.replace('"', "").replace("'", ""))
    )
    assert "@import" not in styles.text
    viewer = await instance.http.get("/docs/assets/swagger-ui-bundle.js")
    assert 'PACKAGE_VERSION:"5.' in viewer.text  # the first to understand OpenAPI 3.1


async def test_the_docs_begin_with_the_first_quarter_of_an_hour(instance: Instance) -> None:
    page = await instance.http.get("/docs")
    assert page.text.index("In 15 Minuten zur ersten Prüfung") < page.text.index('id="viewer"')
    assert "$TOKEN" in page.text
    assert "$$" not in page.text
    assert (await instance.http.get("/")).headers["location"] == "/docs"


@pytest.mark.parametrize("code", [problem.code for problem in PROBLEMS])
async def test_every_problem_has_a_page_in_both_languages(instance: Instance, code: str) -> None:
    problem = next(problem for problem in PROBLEMS if problem.code == code)
    address = problem().body("de", "x")["type"]
    page = await instance.http.get(address)
    assert page.status_code == 200
    assert problem.title.de
    assert problem.title.en
    assert problem.title.de in page.text.replace("&#x27;", "'")
    assert '<section lang="en">' in page.text


@pytest.mark.parametrize("code", CODES)
async def test_every_public_reason_has_a_page_that_tells_nothing_internal(instance: Instance, code: str) -> None:
    page = await instance.http.get(f"/problems/{code}")
    assert page.status_code == 200
    assert not re.search(r"(?<![\w-])[BDEHILMPSTX]-\d\d(?![\w-])|\bSGB\b|\bBKGG\b", page.text)


async def test_all_pages_are_listed(instance: Instance) -> None:
    page = await instance.http.get("/problems")
    for code in [*CODES, *(problem.code for problem in PROBLEMS)]:
        assert f'href="/problems/{code}"' in page.text


@pytest.mark.parametrize("name", ["..%2fpages.py", "%2e%2e/pages.py", "docs.html", "", "swagger-ui.css.map", "../../settings.py"])
async def test_no_other_file_is_given_away(instance: Instance, name: str) -> None:
    answer = await instance.http.get(f"/docs/assets/{name}")
    assert answer.status_code in (401, 404)
