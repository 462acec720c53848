"""T: whether the shown tax fits.

The town pays a social benefit and is not the recipient in VAT law, so these are notes unless it asks for more (``tax_effect``).
"""

from datetime import date
from typing import Final

from but_gateway.kit.money import print_money
from but_gateway.rules.context import Context
from but_gateway.rules.examples import LESSON, MEAL, fires, on, passes
from but_gateway.rules.rule import rule
from but_gateway.rules.verdict import Effect, Finding

_EFFECTS: Final = (Effect.NOTE, Effect.REVIEW)
_SMALL: Final = {"vat_treatment": "small_business"}


@rule(
    "T-01",
    effect=_EFFECTS,
    condition="Der Steuersatz passt nicht zur vereinbarten Leistung am Leistungstag.",
    basis="§§ 12, 4, 14c UStG",
    examples=(
        fires("19 % auf ein Essen im Jahr 2026.", MEAL, claim={"vat_rate": 1900}),
        fires("Die Kommune lässt prüfen.", MEAL, claim={"vat_rate": 1900}, town={"tax_effect": "review"}),
        fires("Befreit abgerechnet, aber steuerpflichtig.", MEAL, claim={"vat_rate": None, "vat_exemption": "exempt_4_23"}),
        fires("Steuer auf befreiten Unterricht.", LESSON, claim={"vat_rate": 1900}),
        passes("7 % auf ein Essen im Jahr 2026.", MEAL),
        passes("Ohne Angabe eines Satzes.", MEAL, claim={"vat_rate": None}),
        passes("0 % auf befreiten Unterricht.", LESSON, claim={"vat_rate": 0}),
        passes("Kleinunternehmer (T-02).", LESSON, claim={"vat_rate": 1900}, agreement=_SMALL),
        passes("Für den Tag ist kein Recht geladen.", MEAL, situation=on(date(2010, 12, 31)), claim={"vat_rate": 1900}),
    ),
)
def rate_differs(c: Context) -> Finding | None:
    """The rate of the agreement's treatment on the service day, in hundredths of a percent, against the one shown."""
    if c.law is None:
        return None
    expected = c.law.vat_bp_of(c.agreement.vat_treatment)
    billed = c.claim.vat_rate
    if billed is None and c.claim.vat_exemption is not None:
        billed = 0
    if expected is None and c.agreement.vat_treatment == "small_business":
        return None
    if billed is None or billed == (expected or 0):
        return None
    # A rate in hundredths of a percent prints like an amount in cents: 700 → "7.00".
    return Finding("T-01", _effect(c), {"billed_rate": print_money(billed), "expected_rate": print_money(expected or 0)})


@rule(
    "T-02",
    effect=_EFFECTS,
    condition="Ein Kleinunternehmer weist Umsatzsteuer aus.",
    basis="§§ 14c, 19 UStG",
    examples=(
        fires("19 % trotz § 19 UStG.", LESSON, claim={"vat_rate": 1900}, agreement=_SMALL),
        fires("Die Kommune lässt prüfen.", LESSON, claim={"vat_rate": 1900}, agreement=_SMALL, town={"tax_effect": "review"}),
        passes("Ohne Steuerausweis.", LESSON, claim={"vat_exemption": "small_business"}, agreement=_SMALL),
        passes("0 % ist kein Ausweis.", LESSON, claim={"vat_rate": 0}, agreement=_SMALL),
        passes("Kein Kleinunternehmer.", MEAL),
    ),
)
def small_business_shows_tax(c: Context) -> Finding | None:
    """Tax shown without right is owed (§ 14c UStG): the provider should correct it."""
    if c.agreement.vat_treatment != "small_business" or not c.claim.vat_rate:
        return None
    return Finding("T-02", _effect(c))


@rule(
    "T-03",
    effect=_EFFECTS,
    condition="Die Leistung ist steuerfrei, der Hinweis auf die Befreiung fehlt.",
    basis="§ 14 (4) Nr. 8 UStG",
    examples=(
        fires("Befreiter Unterricht ohne Hinweis.", LESSON, claim={"vat_exemption": None}),
        fires("Die Kommune lässt prüfen.", LESSON, claim={"vat_exemption": None}, town={"tax_effect": "review"}),
        passes("Befreiter Unterricht mit Hinweis.", LESSON),
        passes("Eine steuerpflichtige Leistung.", MEAL),
    ),
)
def exemption_unnamed(c: Context) -> Finding | None:
    """Exempt supplies and small businesses name the reason."""
    if c.claim.vat_exemption is not None or c.law is None or c.law.vat_bp_of(c.agreement.vat_treatment) is not None:
        return None
    return Finding("T-03", _effect(c))


def _effect(c: Context) -> Effect:
    return Effect.REVIEW if c.town.tax_effect == "review" else Effect.NOTE
