"""I: number, birth date, name. A position that fails here carries this one finding and nothing else, so that nothing leaks."""

from but_gateway.rules.context import Context
from but_gateway.rules.examples import MEAL, fires, passes
from but_gateway.rules.facts import Identity
from but_gateway.rules.rule import REJECT, REVIEW, rule
from but_gateway.rules.verdict import Effect, Finding


@rule(
    "I-01",
    effect=REJECT,
    condition="Die Berechtigungsnummer ist unbekannt, vertippt oder für diesen Anbieter gesperrt.",
    basis="§ 35 SGB I, § 67d SGB X",
    examples=(
        fires("Die Nummer gibt es nicht.", MEAL, situation={"identity": Identity.UNKNOWN_NUMBER}),
        passes("Nummer und Geburtsdatum stimmen.", MEAL),
    ),
)
def unknown_number(c: Context) -> Finding | None:
    """Unknown, mistyped or frozen number: all answered alike, so that numbers cannot be tried out."""
    return Finding("I-01", Effect.REJECT) if c.situation.identity is Identity.UNKNOWN_NUMBER else None


@rule(
    "I-02",
    effect=REJECT,
    condition="Das Geburtsdatum passt nicht zur Nummer, oder es fehlt, obwohl Anbieter und Berechtigung noch nicht verbunden sind.",
    basis="§ 35 SGB I, § 67d SGB X",
    examples=(
        fires("Das Geburtsdatum ist ein anderes.", MEAL, situation={"identity": Identity.WRONG_BIRTH_DATE}),
        fires("Das Geburtsdatum fehlt beim ersten Mal.", MEAL, situation={"identity": Identity.BIRTH_DATE_MISSING}),
        passes("Nummer und Geburtsdatum stimmen.", MEAL),
    ),
)
def birth_date_not_confirmed(c: Context) -> Finding | None:
    """Wrong, or left out without a link: a number alone confirms nobody."""
    identity = c.situation.identity
    if identity is Identity.WRONG_BIRTH_DATE or identity is Identity.BIRTH_DATE_MISSING:
        return Finding("I-02", Effect.REJECT)
    return None


@rule(
    "I-04",
    effect=REVIEW,
    condition="Nummer und Geburtsdatum stimmen, der Name weicht ab.",
    basis="§ 67d SGB X",
    examples=(
        fires("Der Name ist ein anderer.", MEAL, situation={"identity": Identity.NAME_DIFFERS}),
        passes("Der Name stimmt, gleich in welcher Schreibweise.", MEAL),
    ),
)
def name_differs(c: Context) -> Finding | None:
    """Names compare as sets of folded words (kit/text.py). Counts as an identity failure: a dry run is no oracle for names."""
    return Finding("I-04", Effect.REVIEW) if c.situation.identity is Identity.NAME_DIFFERS else None


@rule(
    "I-05",
    effect=REJECT,
    condition="Die Zeile nennt keine Berechtigungsnummer. Nach Namen wird nicht gesucht.",
    basis="§ 67a SGB X, Datenminimierung Art. 5 (1) c DSGVO",
    examples=(
        fires("Nur Name und Geburtsdatum.", MEAL, situation={"identity": Identity.NUMBER_MISSING}),
        passes("Die Nummer steht auf der Zeile.", MEAL),
    ),
)
def number_missing(c: Context) -> Finding | None:
    """There is no search by name."""
    return Finding("I-05", Effect.REJECT) if c.situation.identity is Identity.NUMBER_MISSING else None
