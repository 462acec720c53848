"""Operations: the reports."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import Query, Response

from but_gateway.identity.call import CurrentCall
from but_gateway.identity.principal import Role
from but_gateway.identity.route import town_router
from but_gateway.law.basis import PAYMENT_ORDER
from but_gateway.procedures.reporting import charts, sheets, store
from but_gateway.procedures.reporting.model import Rewind
from but_gateway.procedures.reporting.present import ALSO_OFFERED, present, wanted_format
from but_gateway.procedures.reporting.reach import may_be_shown
from but_gateway.procedures.reporting.schemas import SECTION_46, ExpenditureOut, LiabilitiesOut, PaymentTimesOut, TakeUpOut
from but_gateway.procedures.reporting.take_up_store import take_up
from but_gateway.procedures.reporting.times_store import payment_times
from but_gateway.procedures.reporting.warn_of_terms import WARNING_DAYS
from but_gateway.registers.municipalities.store import read_settings
from but_gateway.web.accept import Accepted
from but_gateway.web.body import Day
from but_gateway.web.operation import operation
from but_gateway.web.problems import NotAcceptable

router = town_router("Berichte")

# Money is read by those who handle it and those who check them; how many children are reached by those who advise them as well.
OF_MONEY: Final = frozenset({Role.FINANCE, Role.ORDERER, Role.AUDITOR})
OF_WORK: Final = frozenset({Role.FINANCE, Role.ORDERER, Role.AUDITOR, Role.CLERK})
# Grants that end within two months: time enough to reach a family before.
HORIZON_DAYS: Final = 60
# The package exists since 2011; what lies beyond has no report.
_FIRST, _LAST = date(2011, 1, 1), date(2100, 12, 31)
Year = Annotated[int | None, Query(ge=_FIRST.year, le=_LAST.year, description="Jahr; ohne Angabe das laufende", examples=[2026])]
On = Annotated[
    Day | None,
    Query(ge=_FIRST, le=_LAST, description="Stichtag (Ende des Tages, Europe/Berlin); ohne Angabe heute", examples=["2026-10-31"]),
]
_FORMATS: Final = "JSON, CSV, XLSX und SVG nach `Accept`."


def _declared(roles: frozenset[Role]) -> Mapping[str, Any]:
    """What an operation declares: the formats beside JSON as well."""
    declared = operation(roles=roles, problems=(NotAcceptable,))
    return {**declared, "responses": {**declared["responses"], 200: ALSO_OFFERED}}


@router.get(
    "/reports/expenditure",
    summary="Ausgaben",
    description="Was die Bank in einem Jahr zahlte, je Rechtskreis, Leistungsart und Monat des Buchungstags; Einnahmen aus Korrekturen"
    f" stehen daneben, Rückläufer mindern `paid` am Tag ihrer Buchung. `section_46`: SGB II und BKGG (§ 46 (8), (11) SGB II). {_FORMATS}",
    response_model=ExpenditureOut,
    **_declared(OF_MONEY),
)
async def get_expenditure(call: CurrentCall, year: Year = None, accept: Accepted = None) -> Response:
    """GET expenditure."""
    media_type, year = wanted_format(accept), call.today().year if year is None else year
    async with call.transaction() as unit:
        rows = await store.spending(unit, year)
    tables, chart = sheets.spending_sheets(rows, SECTION_46), charts.spending_chart(year, rows)
    return present(media_type, f"Ausgaben-{year}", ExpenditureOut.of(year, rows), tables, chart, at=call.now())


@router.get(
    "/reports/liabilities",
    summary="Offene Verbindlichkeiten",
    description="Was am Ende eines Tages Anbietern zusteht und nicht bezahlt ist, je Anbieter und Zustand, nach dem Alter gegen das"
    f" Zahlungsziel (§ 286 (3) BGB). {_FORMATS}",
    response_model=LiabilitiesOut,
    **_declared(OF_WORK),
)
async def get_liabilities(call: CurrentCall, on: On = None, accept: Accepted = None) -> Response:
    """GET liabilities."""
    media_type, day = wanted_format(accept), on or call.today()
    async with call.transaction() as unit:
        term_days = (await read_settings(unit)).payment_term_days
        rewind = Rewind.BY_ID if day < call.today() else Rewind.NOTHING
        if call.town.sandbox:
            rewind = Rewind.BY_MOMENT  # the clock may stand before what was decided already
        rows = await store.liabilities(unit, day, term_days=term_days, warning_days=WARNING_DAYS, rewind=rewind)
    tables, chart = sheets.liabilities_sheets(rows, term_days), charts.liabilities_chart(day, rows)
    return present(media_type, f"Verbindlichkeiten-{day}", LiabilitiesOut.of(day, term_days, rows), tables, chart, at=call.now())


@router.get(
    "/reports/payment-times",
    summary="Bearbeitungszeiten",
    description="Tage vom Eingang bis zur Entscheidung, zur Übergabe und zur Zahlung der letzten Position, für Rechnungen, die in einem"
    f" Jahr eingingen. {_FORMATS}",
    response_model=PaymentTimesOut,
    **_declared(OF_WORK),
)
async def get_payment_times(call: CurrentCall, year: Year = None, accept: Accepted = None) -> Response:
    """GET processing times."""
    media_type, year = wanted_format(accept), call.today().year if year is None else year
    async with call.transaction() as unit:
        term_days = (await read_settings(unit)).payment_term_days
        rows = await payment_times(unit, year)
    tables, chart = sheets.times_sheets(rows), charts.times_chart(year, rows, term_days)
    return present(media_type, f"Bearbeitungszeiten-{year}", PaymentTimesOut.of(year, rows), tables, chart, at=call.now())


@router.get(
    "/reports/take-up",
    summary="Inanspruchnahme",
    description="Kinder mit gültiger Bewilligung, davon Kinder, die sie nutzten, und Kinder, deren Bewilligung bald ungenutzt endet, je"
    f" Leistungsart, Einrichtung und Rechtskreis. Zahlen unter 5 und was sie verriete sind unterdrückt. {_FORMATS}",
    response_model=TakeUpOut,
    **_declared(OF_WORK),
)
async def get_take_up(
    call: CurrentCall,
    on: On = None,
    horizon_days: Annotated[int, Query(ge=1, le=366, description="Wie viele Tage voraus eine Bewilligung bald endet")] = HORIZON_DAYS,
    accept: Accepted = None,
) -> Response:
    """GET take-up."""
    media_type, day = wanted_format(accept), on or call.today()
    expiring_until = day + timedelta(days=horizon_days)
    async with call.transaction() as unit:
        exact = await take_up(unit, day, expiring_until=expiring_until, payment_order=tuple(b.value for b in PAYMENT_ORDER))
    items, totals = may_be_shown(exact)
    answer = TakeUpOut.of(day, expiring_until, items, totals)
    tables, chart = sheets.take_up_sheets(items, totals), charts.take_up_chart(day, totals)
    return present(media_type, f"Inanspruchnahme-{day}", answer, tables, chart, at=call.now())
