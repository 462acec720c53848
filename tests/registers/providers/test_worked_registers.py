import json
from pathlib import Path
from typing import Any

import pytest

from but_gateway.identity.principal import Role
from tests.registers.office import Office

JSON = Any
FIXTURES = Path(__file__).parents[4] / "shared" / "data" / "examples" / "fixtures.json"


@pytest.mark.skipif(not FIXTURES.exists(), reason="the worked cases do not lie beside this checkout")
async def test_the_registers_of_the_worked_cases_are_taken_and_read_back_as_they_are(office: Office) -> None:
    wanted = json.loads(FIXTURES.read_text(encoding="utf-8"))
    registrar = await office.staff(await office.town(), Role.REGISTRAR)
    put = {"settings": wanted["settings"]}
    for room in ("facilities", "providers", "agreements"):
        for key, body in wanted[room].items():
            if room == "providers":
                body["account"] = await office.account()
            put[f"{room}/{key}"] = body
    for path, body in put.items():
        answer = await registrar.put(f"/{path}", body)
        assert answer.status_code == 201, (path, answer.text)
    for path, body in put.items():
        read = (await registrar.get(f"/{path}")).json()
        assert as_written(read, body) == body, path


def as_written(read: JSON, body: JSON) -> JSON:
    """Of what is read the fields that were written; optional ones may have come since the cases were made."""
    if isinstance(body, dict):
        return {name: as_written(read[name], value) for name, value in body.items()}
    if isinstance(body, list) and len(read) == len(body):
        return [as_written(one, value) for one, value in zip(read, body, strict=True)]
    return read
