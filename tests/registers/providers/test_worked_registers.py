import json
from pathlib import Path

import pytest

from but_gateway.identity.principal import Role
from tests.registers.office import Office

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
        assert {name: read[name] for name in body} == body, path
