"""The whole corpus of bad tokens against a served operation: 401 for each, and never a fault of ours."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from but_gateway.identity.keys import KeyRing
from but_gateway.identity.tokens import ES256, load_public_key
from but_gateway.kit.clock import FixedClock
from tests.factories.instance import Instance, running
from tests.identity.bad_tokens import ISSUER, JWK, KID, NOW, corpus, good
from tests.identity.conftest import router

THINGS = "/v1/municipalities/krefeld/things"


@pytest.fixture(scope="module")
async def deceived(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """An instance whose own key is the one that the corpus signs with: nothing but what is wrong with a token can make it refuse one."""
    folder: Path = tmp_path_factory.mktemp("keys")
    async with running(database_url, folder, router, clock=FixedClock(NOW)) as made:
        await made.town("krefeld")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(made.issuer, "url", ISSUER)
            patch.setattr(made.issuer, "_ring", KeyRing(KID, b"", {KID: load_public_key(JWK, ES256)}))
            patch.setattr(made.issuer, "_read_at", NOW)
            yield made


async def status(instance: Instance, token: str) -> int:
    """What a request with the token is answered."""
    headers = {b"Authorization": b"Bearer " + token.encode()}
    return (await instance.http.get(THINGS, headers=headers)).status_code


async def test_the_good_token_that_all_others_are_made_from_is_let_in(deceived: Instance) -> None:
    assert await status(deceived, good()) == 200


async def test_no_bad_token_is_let_in_and_none_is_a_fault_of_ours(deceived: Instance) -> None:
    # Twice: a token that was refused is not remembered as one that held.
    answered = {(bad.what, await status(deceived, bad.token)) for _ in range(2) for bad in corpus()}
    assert {one for one in answered if one[1] != 401} == set()
    assert len(answered) >= 60
