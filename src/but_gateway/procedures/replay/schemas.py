"""The file that says what is supposed: settings of the town, terms of agreements, values of the law. docs/replay.md explains it."""

from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import Field, JsonValue, ValidationError, model_validator

from but_gateway.law.loader import BadLaw, StrictLoader
from but_gateway.law.parameters import LawBook
from but_gateway.law.variant import SupposedValue, suppose
from but_gateway.procedures.replay.model import OtherTerms, Supposition
from but_gateway.registers.municipalities.scalars import Benefit, LateEffect, Months
from but_gateway.registers.municipalities.schemas import PriceCeilingBody
from but_gateway.registers.providers.agreement_schemas import DatedPriceBody
from but_gateway.rules.facts import DatedPrice
from but_gateway.web.body import BadValueError, Day, Flag, Key, Line, Share, StrictModel, Whole
from but_gateway.web.faults import problem_of

# The parameters that rules ask for when they decide a position; every other one would change nothing, and that must not pass for an answer.
DECIDING_LAW: Final = frozenset(
    {
        "bkgg_limitation_months",
        "education_age_limit_years",
        "lunch_own_share_cents",
        "participation_age_limit_years",
        "vat_catering_service_bp",
        "vat_food_delivery_bp",
        "vat_standard_bp",
    }
)


class BadSuppositionError(ValueError):
    """A file that cannot be used; the text names every fault with its place."""


class TownChange(StrictModel):
    """Settings of the town that are to differ. Saving of participation is left out: it acts through budgets, which stay as stored."""

    protect_good_faith: Flag = True
    holiday_lunch: LateEffect = "review"
    submission_months: Months = 3
    late_effect: LateEffect = "review"
    tax_effect: Literal["note", "review"] = "note"
    relatives_excluded: Flag = True
    flat_proration: Literal["opening_days", "calendar_30ths"] = "opening_days"
    lunch_price_ceilings: list[PriceCeilingBody] = Field(default=[], max_length=100)

    def named(self) -> dict[str, Any]:
        """The settings that the file names, as facts hold them."""
        named = {name: getattr(self, name) for name in self.model_fields_set}
        if "lunch_price_ceilings" in named:
            ceilings = sorted(self.lunch_price_ceilings, key=lambda one: one.valid_from)
            named["lunch_price_ceilings"] = tuple(DatedPrice("lunch", one.valid_from, one.unit_price) for one in ceilings)
        return named


class TutoringChange(StrictModel):
    """Terms of tutoring that are to differ."""

    unit_minutes: Annotated[Whole, Field(ge=1, le=480)] = 45
    group_max: Annotated[Whole, Field(ge=1, le=100)] = 4
    minutes_rule: Literal["pro_rata", "whole_units"] = "pro_rata"
    absence_share: Share | None = None
    absences_per_month: Annotated[Whole, Field(ge=0, le=31)] = 0
    units_per_day_max: Annotated[Whole, Field(ge=1, le=24)] = 4


class TermsChange(StrictModel):
    """Terms of an agreement that are to differ. Prices are replaced as a whole."""

    mode: Literal["per_use", "flat"] = "per_use"
    evidence: Literal["dates", "monthly_count"] = "dates"
    prices: list[DatedPriceBody] = Field(default=[], max_length=1000)
    vat_treatment: Literal["catering_service", "food_delivery", "exempt_4_21", "exempt_4_23", "small_business", "standard"] = "standard"
    drink_included: Flag = False
    late_cancellation_share: Share | None = None
    absence_threshold_days: Annotated[Whole, Field(ge=1, le=366)] | None = None
    submission_months: Months | None = None
    late_effect: LateEffect | None = None
    tutoring: TutoringChange = TutoringChange()

    def named(self) -> dict[str, Any]:
        """The terms that the file names, as facts hold them; without those of tutoring."""
        named = {name: getattr(self, name) for name in self.model_fields_set - {"tutoring"}}
        if "prices" in named:
            prices = sorted(self.prices, key=lambda one: (one.item, one.valid_from))
            named["prices"] = tuple(DatedPrice(one.item, one.valid_from, one.unit_price) for one in prices)
        return named


class AgreementChange(StrictModel):
    """Which agreements are to differ, and how. Without provider and benefit: all."""

    provider: Key | None = None
    benefit: Benefit | None = None
    terms: TermsChange


class LawChange(StrictModel):
    """A value of the law that is to differ from a day on, written as in the law's own files."""

    parameter: Line
    first: Day = Field(alias="from")
    last: Day | None = Field(None, alias="to")
    value: JsonValue

    @model_validator(mode="after")
    def _must_decide(self) -> "LawChange":
        if self.parameter not in DECIDING_LAW:
            known = ", ".join(sorted(DECIDING_LAW))
            raise BadValueError(
                "not_deciding", f"Über Positionen entscheiden nur: {known}.", f"Positions are decided by these only: {known}."
            )
        return self


class SuppositionFile(StrictModel):
    """All of it."""

    town: TownChange = TownChange()
    agreements: list[AgreementChange] = Field(default=[], max_length=1000)
    law: list[LawChange] = Field(default=[], max_length=1000)


def read_supposition(text: str, law: LawBook, *, law_differs: bool) -> Supposition:
    """What a file supposes, over a law book (``law_differs``: it is not the loaded one).

    Refuses (BadSuppositionError) what is no YAML, an unknown key, a value of another kind, a parameter that decides no position.
    """
    try:
        document = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader: it builds nothing but plain values
        file = SuppositionFile.model_validate({} if document is None else document)
        values = [SupposedValue(one.parameter, one.first, one.last, one.value) for one in file.law]
        book = suppose(law, values) if values else law
    except yaml.YAMLError as error:
        raise BadSuppositionError(f"not YAML: {error}") from None
    except ValidationError as error:
        faults = problem_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()], document).faults
        raise BadSuppositionError("; ".join(f"{one.pointer or '/'}: {one.detail.en}" for one in faults)) from None
    except BadLaw as error:
        raise BadSuppositionError(str(error)) from None
    terms = tuple(
        OtherTerms(
            one.provider,
            one.benefit,
            one.terms.named(),
            {name: getattr(one.terms.tutoring, name) for name in one.terms.tutoring.model_fields_set},
        )
        for one in file.agreements
    )
    return Supposition(file.town.named(), terms, book if values or law_differs else None)


class _PlainLoader(StrictLoader):
    """YAML whose days stay text, as in JSON: the models read them."""


# Resolvers are kept per class by the first character of a value; the day's is taken out of this class alone.
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in StrictLoader.yaml_implicit_resolvers.items()
}
