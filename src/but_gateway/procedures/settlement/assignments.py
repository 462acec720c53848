"""Where the books record the orders of a batch: account assignments by date, and what is missing. Pure."""

from datetime import date

from but_gateway.kit.clock import business_day
from but_gateway.law.basis import LegalBasis
from but_gateway.procedures.settlement.model import Batch, Contents, Order
from but_gateway.procedures.settlement.problems import AssignmentMissing
from but_gateway.registers.municipalities.settings import AccountAssignment, Settings
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES
from but_gateway.web.problems import Fault, Text


def booking_day(batch: Batch, fiscal_year: int) -> date:
    """The day whose assignment an order of a fiscal year is recorded by: that day of the year nearest to the draw-up.

    Services of this year go where the books stand when the batch is drawn up; services of last year where last year's books ended;
    services of next year where next year's books begin. The day of the draw-up and not the present one, so that who certifies, who
    orders and the package see the same accounts.
    """
    drawn_up_on = business_day(batch.drawn_up.at)
    return min(max(drawn_up_on, date(fiscal_year, 1, 1)), date(fiscal_year, 12, 31))


def assignment_of_order(settings: Settings, batch: Batch, order: Order) -> AccountAssignment | None:
    """Where the books record an order, None where nothing is assigned."""
    return settings.assignment(order.legal_basis, order.benefit, booking_day(batch, order.fiscal_year))


def demand_assignments(settings: Settings, contents: Contents) -> None:
    """Lets only batches pass whose every order can be recorded.

    Refuses when an assignment is missing (AssignmentMissing): one fault for each legal basis, benefit and fiscal year, at the first order
    that needs it.
    """
    missing: dict[tuple[str, str, int], int] = {}
    for place, order in enumerate(contents.orders):
        if assignment_of_order(settings, contents.batch, order) is None:
            missing.setdefault((order.legal_basis, order.benefit, order.fiscal_year), place)
    if missing:
        raise AssignmentMissing(faults=[_fault(place, *what) for what, place in sorted(missing.items())])


def _fault(place: int, legal_basis: str, benefit: str, fiscal_year: int) -> Fault:
    law = LegalBasis(legal_basis).german_name
    text = Text(
        f"Für {law}, {BENEFIT_NAMES[benefit]}, Haushaltsjahr {fiscal_year} fehlt die Kontierung ({legal_basis}, {benefit}).",
        f"There is no account assignment for {legal_basis}, {benefit}, fiscal year {fiscal_year}.",
    )
    return Fault(f"/orders/{place}", AssignmentMissing.code, text)
