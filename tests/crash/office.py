"""What the people of a town's office do in a storm."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from tests.crash.memory import Refused, Told, Wish
from tests.crash.town import LUNCHED, Act, Town, bank_account, row
from tests.procedures.adjudication.registers import AGREEMENTS, FACILITIES, IBANS, PROVIDERS, SETTINGS

JSON = Any
WISH: Final[JSON] = {"cutoff": "2026-11-30", "due_on": "2026-12-15", "benefits": None, "providers": None}
PRICES: Final = ("4.50", "4.30", "4.00")
MANY: Final = 6  # rows of an import that becomes a job, see stand_in.IMPORT_ROWS_MAX
PACKAGE_READER: Final = {"treasury": "finance", "audit": "clerk", "advice": "finance"}
DONE: Final = frozenset({"handed_over", "withdrawn", "paid", "partly_returned"})


# ---- the registrar
async def grant(town: Town, _: str) -> None:
    """New grants, or known ones that end earlier or later."""
    if town.chance.random() < 0.5:
        await town.deliver(*(row(f"N{town.next()}") for _ in range(town.chance.randint(1, 3))))
    else:
        until = town.chance.choice(("2027-07-31", "2026-10-02"))
        await town.deliver(row(town.chance.choice(LUNCHED[4:]), valid_to=until))


async def grant_many(town: Town, _: str) -> None:
    """An import that is worked off in the background."""
    rows = [row(f"M{town.next()}") for _ in range(town.chance.randint(MANY, 14))]
    chunks = -(-len(rows) // (MANY - 1))
    wish = Wish("registrar", "POST", "/grant-imports", rows, lambda _: {"grants.accept_import": 1, "grants.import": chunks})
    told = await town.client.ask(wish)
    if isinstance(told, Told):
        town.jobs[told.document["id"]] = [one["entitlement"]["key"] for one in rows]


async def replace_number(town: Town, _: str) -> None:
    """A family has lost its number."""
    key = f"{town.chance.choice(LUNCHED)}-lunch"
    wish = Wish("registrar", "POST", f"/entitlements/{key}/number-replacements", {"lost_on": "2026-11-02"}, lambda _: {"number.replace": 1})
    told = await town.client.ask(wish)
    if isinstance(told, Told):
        town.numbers[key] = told.document["entitlement_number"]


async def note_family_payment(town: Town, _: str) -> None:
    """A family has paid a day itself."""
    path = f"/entitlements/{town.chance.choice(LUNCHED[:2])}-lunch/family-payments"
    day = f"2026-09-{town.chance.choice((7, 8, 9)):02d}"
    body = {"provider": town.chance.choice(("c1", "c2")), "from": day, "to": day}
    key, wish = town.client.new_key(), Wish("registrar", "POST", path, body, lambda _: {"family_payment.record": 1})
    told = await asyncio.gather(*(town.client.ask(wish, key) for _ in range(town.chance.choice((1, 2)))))
    if len({one.content for one in told if isinstance(one, Told)}) > 1:
        town.memory.fault("two answers to one key: a family payment")


async def merge(town: Town, _: str) -> None:
    """A child was delivered under two keys."""
    one, other = f"D{town.next()}", f"D{town.next()}"
    if await town.deliver(row(one), row(other)):
        await town.client.ask(Wish("registrar", "POST", f"/children/{other}/merge", {"into": one}, lambda _: {"child.merge": 1}))


async def change_price(town: Town, _: str) -> None:
    """The agreed price changes: all that is open is decided again."""
    prices = [{"item": "lunch", "valid_from": "2026-01-01", "unit_price": town.chance.choice(PRICES)}]
    await town.put("/agreements/c1", AGREEMENTS["c1"] | {"prices": prices})


async def change_settings(town: Town, _: str) -> None:
    """A setting changes."""
    await town.put("/settings", SETTINGS | {"payment_term_days": 10 + town.next() % 20})


async def change_facility(town: Town, _: str) -> None:
    """The school closes for a day, or does not after all."""
    closed = [{"from": "2026-09-25", "to": "2026-09-25", "reason": "Schulfest"}] if town.next() % 2 else []
    await town.put("/facilities/s1", FACILITIES["s1"] | {"closed": closed})


async def change_provider(town: Town, _: str) -> None:
    """A caterer has another address."""
    await town.put("/providers/c2", PROVIDERS["c2"] | {"account": f"{town.key}-c2", "contact_email": f"m{town.next()}@c2.example"})


async def make_registers(town: Town, _: str) -> None:
    """A new school, a new caterer, and what they agreed."""
    number = town.next()
    await town.put(f"/facilities/s{number}x", FACILITIES["s1"] | {"name": f"Schule {number}"})
    await town.put(f"/providers/c{number}x", PROVIDERS["c2"] | {"account": None, "name": f"Menüdienst {number}"})
    await town.put(f"/agreements/c{number}x", AGREEMENTS["c2"] | {"provider": f"c{number}x", "facilities": [f"s{number}x"]})


async def add_bank_account(town: Town, _: str) -> None:
    """A caterer gets another bank account."""
    await bank_account(town, town.chance.choice(("c1", "c2")), IBANS[town.chance.choice(("c3", "c4", "t2"))])


# ---- the clerk
async def resolve(town: Town, who: str) -> None:
    """Decides an open review, or some alike."""
    found = (await town.client.document(who, "/reviews?state=open&limit=20"))["items"]
    if not found:
        return
    chosen = town.chance.sample(found, min(len(found), town.chance.randint(1, 3)))
    body: JSON
    if len(chosen) > 1:
        body = {"ids": [one["id"] for one in chosen], "decision": town.chance.choice(("accept", "reject")), "reason": "Gleiche Fälle."}
        await town.client.ask(Wish(who, "POST", "/reviews/resolutions", body, _resolved))
        return
    decision = town.chance.choice(("accept", "reduce", "reject", "query"))
    body = {"decision": decision, "approved": "1.00" if decision == "reduce" else None, "reason": "Nachgefragt."}
    refusals = frozenset({"wrong_state", "day_taken", "budget_used", "nothing_proposed", "no_grant", "invalid"})
    await town.client.ask(Wish(who, "POST", f"/reviews/{chosen[0]['id']}/resolution", body, lambda _: {"review.resolve": 1}, refusals))


def _resolved(document: JSON) -> dict[str, int]:
    return {"review.resolve": sum(one["status"] == 200 for one in document["items"])}


async def finish_notice(town: Town, who: str) -> None:
    """Has done what a notice asked for."""
    found = [one for one in (await town.client.document(who, "/notices"))["items"] if one["state"] == "open"]
    if found:
        chosen = town.chance.choice(found)["id"]
        refusals = frozenset({"wrong_state"})
        await town.client.ask(Wish(who, "POST", f"/notices/{chosen}/done", None, lambda _: {"notice.done": 1}, refusals))


# ---- settling
async def draw_up(town: Town, who: str) -> None:
    """Draws up; often both do at once."""
    others = ["second"] if town.chance.random() < 0.5 else []
    wish = [
        Wish(one, "POST", "/settlement-batches", WISH, lambda _: {"settlement.draw_up": 1}, frozenset({"nothing_to_settle"}))
        for one in (who, *others)
    ]
    for told in await asyncio.gather(*(town.client.ask(one) for one in wish)):
        if isinstance(told, Told):
            if told.document["id"] in town.batches:
                town.memory.fault("one batch was told twice")
            town.batches[told.document["id"]] = told.document["state"]


ONWARD: Final = {"drawn_up": "certification", "certified": "order", "ordered": "hand-over"}


async def move_on(town: Town, who: str) -> None:
    """The next step of a batch."""
    going = [batch for batch, state in town.batches.items() if state in ONWARD]
    if going:
        batch = town.chance.choice(going)
        await take_step(town, who, batch, ONWARD[town.batches[batch]])
    else:
        await draw_up(town, who)


async def step_aside(town: Town, who: str) -> None:
    """A payment is held and released again, or a batch goes a step back."""
    going = [batch for batch, state in town.batches.items() if state in ONWARD]
    if not going:
        return
    batch = town.chance.choice(going)
    if town.batches[batch] != "drawn_up" and town.chance.random() < 0.5:
        await take_step(town, who, batch, "reopen")
    elif town.chance.random() < 0.2:
        await take_step(town, who, batch, "withdrawal")
    else:
        await take_step(town, who, batch, "hold")
        await take_step(town, who, batch, "release")


async def take_step(town: Town, who: str, batch: str, step: str) -> None:
    """One step of a batch, sometimes sent twice at once."""
    path, body = f"/settlement-batches/{batch}/{step}", cast("JSON", None)
    action = {"certification": "certify", "hand-over": "hand_over", "withdrawal": "withdraw"}.get(step, step)
    if step in ("hold", "release"):
        payments = (await town.client.document(who, f"/settlement-batches/{batch}"))["payments"]
        path = f"/settlement-batches/{batch}/payments/{town.chance.choice(payments)['id']}/{step}"
    if step in ("hold", "reopen"):
        body = {"reason": "Bitte noch einmal ansehen."}
    if step == "certification":
        body = {"kinds": ["factual", "arithmetical"]}
    caller = "orderer" if step == "order" else who
    refusals = frozenset({"wrong_state", "all_payments_held", "not_held"})
    wish = Wish(caller, "POST", path, body, lambda _: {f"settlement.{action}": 1}, refusals)
    key = town.client.new_key()
    told = (await asyncio.gather(*(town.client.ask(wish, key) for _ in range(town.chance.choice((1, 1, 2))))))[0]
    if isinstance(told, Refused):
        town.batches[batch] = (await town.client.document(who, f"/settlement-batches/{batch}"))["state"]
    elif told is not None:
        town.batches[batch] = told.document["state"]
        if step == "hand-over":
            await take_files(town, batch)


async def take_files(town: Town, batch: str) -> None:
    """Fetches the packages of a batch: the same bytes for ever."""
    for file in await town.client.document("finance", f"/settlement-batches/{batch}/files"):
        who, path = PACKAGE_READER[file["package"]], f"/settlement-batches/{batch}/files/{file['name']}"
        answer = await town.client.read(who, path)
        if answer is None:
            town.memory.fault(f"a file that is listed is not there: {path}")
        else:
            town.memory.files[path] = (who, answer.content)


# ---- what the bank says
async def report_payments(town: Town, who: str) -> None:
    """The bank has paid, or sent back, some payments of a batch; sometimes with a wrong amount. Both finance officers hear of it."""
    paid = [batch for batch, state in town.batches.items() if state == "handed_over"]
    if not paid:
        return
    payments = (await town.client.document(who, f"/settlement-batches/{town.chance.choice(paid)}"))["payments"]
    said = [
        {
            "end_to_end_id": one["end_to_end_id"], "status": town.chance.choice(("paid", "paid", "returned")), "on": "2026-11-02",
            "amount": one["net"] if town.chance.random() < 0.8 else "0.01",
        }
        for one in payments if one["held"] is None
    ]  # fmt: skip
    if town.chance.random() < 0.5:  # something that nobody here has paid
        said.append({"end_to_end_id": f"BUT-2026-9{town.next():03d}-00001", "status": "paid", "on": "2026-11-02", "amount": "0.01"})
    if said:
        people = (who, "second") if town.chance.random() < 0.3 else (who,)
        effects = {"reconciliation.take_in": 1}
        await asyncio.gather(
            *(town.client.ask(Wish(one, "POST", "/payment-reports", {"payments": said}, lambda _: effects)) for one in people)
        )


async def clear_entries(town: Town, who: str) -> None:
    """What the bank said and did not fit is assigned by hand or finished."""
    entries = (await town.client.document(who, "/payment-entries?state=open"))["items"]
    if not entries:
        return
    entry, refusals = town.chance.choice(entries), frozenset({"wrong_state", "amount_differs", "invalid"})
    path = f"/payment-entries/{entry['id']}"
    batches = [batch for batch, state in town.batches.items() if state in DONE - {"withdrawn"}]
    if batches and town.chance.random() < 0.6:
        payments = (await town.client.document(who, f"/settlement-batches/{town.chance.choice(batches)}"))["payments"]
        body = {"payment_id": town.chance.choice(payments)["id"], "reason": "Die Kasse bestätigt es."}
        await town.client.ask(Wish(who, "POST", f"{path}/assignment", body, lambda _: {"reconciliation.assign": 1}, refusals))
    else:
        done = Wish(who, "POST", f"{path}/done", {"reason": "Geklärt."}, lambda _: {"reconciliation.done": 1}, refusals)
        await town.client.ask(done)


REGISTRAR: Final[Mapping[Act, int]] = {
    grant: 3, grant_many: 2, replace_number: 2, note_family_payment: 2, merge: 1, change_price: 3, change_settings: 1, change_facility: 1,
    change_provider: 1, make_registers: 1, add_bank_account: 1,
}  # fmt: skip
CLERK: Final[Mapping[Act, int]] = {resolve: 4, finish_notice: 1}
FINANCE: Final[Mapping[Act, int]] = {draw_up: 2, move_on: 6, step_aside: 1, report_payments: 1, clear_entries: 1}
