"""L: tutoring (Lernförderung). One position is one lesson, or one missed lesson. L-02 stands in budget.py."""

from datetime import date
from typing import Final

from but_gateway.kit.money import print_money, share_of
from but_gateway.rules.context import TUTORING, Context
from but_gateway.rules.duration import (
    group_price,
    is_given,
    lesson_price,
    minutes_paid,
    minutes_recorded,
    minutes_shown,
    price_paid,
    unit_minutes_of,
    worth,
)
from but_gateway.rules.examples import LESSON, fires, passes
from but_gateway.rules.facts import DatedPrice, Overlap
from but_gateway.rules.pricing import GROUP, INDIVIDUAL, price_of_minutes, terms_of
from but_gateway.rules.rule import REDUCE, REJECT, REVIEW, reduction, rule
from but_gateway.rules.verdict import Effect, Finding

_TUTORING: Final = (TUTORING,)
_MISSED: Final = {"attended": False}
_NO_TIMES: Final = {"recorded_from": None, "recorded_to": None, "proof": False}
_WITH_FEE: Final = {"absence_share": 5000, "absences_per_month": 1}
_WHOLE: Final = {"minutes_rule": "whole_units"}


@rule(
    "L-01",
    effect=REJECT,
    condition="Das Fach ist nicht bewilligt.",
    basis="Bewilligungsbescheid",
    benefits=_TUTORING,
    examples=(
        fires("Englisch, bewilligt ist Mathematik.", LESSON, lesson={"subject": "englisch"}),
        passes("Mathematik ist bewilligt.", LESSON),
        passes("Die Bewilligung nennt kein Fach.", LESSON, grant={"subjects": ()}, lesson={"subject": "englisch"}),
    ),
)
def wrong_subject(c: Context) -> Finding | None:
    """Grants that fit are chosen first (E-06), so none of them names the subject."""
    lesson = c.claim.lesson
    if lesson is None or c.grant is None or not c.grant.subjects or lesson.subject in c.grant.subjects:
        return None
    return Finding("L-01", Effect.REJECT, {"subject": lesson.subject})


@rule(
    "L-04",
    effect=REDUCE,
    condition="Abgerechnet sind mehr Minuten, als der Nachweis von–bis zeigt.",
    basis="Stundennachweis",
    benefits=_TUTORING,
    examples=(
        fires("60 Minuten berechnet, 50 nachgewiesen.", LESSON, situation={"claimed": 3000}, lesson={"minutes": 60, "recorded_to": 950}),
        fires("Das Ende liegt vor dem Beginn.", LESSON, lesson={"recorded_to": 890}),
        passes("90 Minuten berechnet und nachgewiesen.", LESSON),
        passes("Weniger berechnet als nachgewiesen.", LESSON, situation={"claimed": 3000}, lesson={"minutes": 60}),
        passes("Ein ausgefallener Termin hat keine Zeiten.", LESSON, claim=_MISSED, lesson=_NO_TIMES),
    ),
)
def over_recorded(c: Context) -> Finding | None:
    """Reduced to the recorded minutes at the agreed price, or to the same share of what is left where that is less.

    Comes before L-03, which goes on from the recorded minutes.
    """
    lesson, recorded = c.claim.lesson, minutes_recorded(c)
    if lesson is None or recorded is None or recorded >= lesson.minutes:
        return None
    values = {"billed_minutes": str(lesson.minutes), "recorded_minutes": str(recorded)}
    return reduction(c, "L-04", worth(c, c.left, recorded, lesson.minutes, lesson_price(c)), values)


@rule(
    "L-03",
    effect=REDUCE,
    condition="Berechnet ist mehr, als die Dauer zum vereinbarten Preis je Einheit ergibt (anteilig oder nur volle Einheiten).",
    basis="Vereinbarung",
    benefits=_TUTORING,
    examples=(
        fires("45,00 € für 60 Minuten zu 22,50 € je 45 Minuten.", LESSON, lesson={"minutes": 60, "recorded_to": 960}),
        fires(
            "60 Minuten, nur volle Einheiten.",
            LESSON,
            situation={"claimed": 3000},
            lesson={"minutes": 60, "recorded_to": 960},
            terms=_WHOLE,
        ),
        fires(
            "30 Minuten sind keine volle Einheit.",
            LESSON,
            situation={"claimed": 1500},
            lesson={"minutes": 30, "recorded_to": 930},
            terms=_WHOLE,
        ),
        passes("90 Minuten sind zwei Einheiten.", LESSON),
        passes("60 Minuten anteilig.", LESSON, situation={"claimed": 3000}, lesson={"minutes": 60, "recorded_to": 960}),
        passes("Weniger berechnet, als die Dauer ergibt.", LESSON, situation={"claimed": 4000}),
        passes("Ein ausgefallener Termin (L-08).", LESSON, claim=_MISSED, lesson=_NO_TIMES),
    ),
)
def over_duration(c: Context) -> Finding | None:
    """Minutes / unit × agreed price, half cents up; whole units only where agreed so. Less claimed is paid as claimed."""
    if not is_given(c):
        return None
    unit_minutes = unit_minutes_of(c)
    payable = price_of_minutes(minutes_paid(c), lesson_price(c), unit_minutes)
    return reduction(c, "L-03", payable, {"minutes": str(minutes_shown(c)), "unit_minutes": str(unit_minutes)})


@rule(
    "L-05",
    effect=REDUCE,
    condition="Einzelunterricht ist berechnet, bewilligt ist nur die Gruppe.",
    basis="Bewilligungsbescheid",
    benefits=_TUTORING,
    examples=(
        fires("22,50 € statt 12,00 € je Einheit.", LESSON, grant={"tutoring_form": "group"}),
        passes("Bewilligt ist Einzelunterricht.", LESSON, grant={"tutoring_form": "individual"}),
        passes(
            "Unterrichtet wurde in der Gruppe.", LESSON, grant={"tutoring_form": "group"}, claim={"item": "group"}, lesson={"group_size": 3}
        ),
        passes("Berechnet ist schon der Gruppenpreis.", LESSON, grant={"tutoring_form": "group"}, situation={"claimed": 2400}),
        passes(
            "Ein Gruppenpreis ist nicht vereinbart (P-09).",
            LESSON,
            grant={"tutoring_form": "group"},
            agreement={"prices": (DatedPrice(INDIVIDUAL, date(2026, 1, 1), 2250),)},
        ),
    ),
)
def group_granted(c: Context) -> Finding | None:
    """The duration at the agreed price of a group lesson."""
    if c.grant is None or c.grant.tutoring_form != GROUP or c.item != INDIVIDUAL or c.claim.lesson is None:
        return None
    agreed = group_price(c)
    if agreed is None:
        return None
    minutes = minutes_paid(c) if c.claim.attended else c.claim.lesson.minutes
    return reduction(c, "L-05", price_of_minutes(minutes, agreed, unit_minutes_of(c)), {"agreed": print_money(agreed)})


@rule(
    "L-06",
    effect=REVIEW,
    condition="Die Gruppe ist größer als vereinbart.",
    basis="Vereinbarung",
    benefits=_TUTORING,
    examples=(
        fires("Fünf Kinder, vereinbart sind höchstens vier.", LESSON, lesson={"group_size": 5}),
        passes("Vier Kinder.", LESSON, lesson={"group_size": 4}),
    ),
)
def group_too_large(c: Context) -> Finding | None:
    """More children than the agreement allows in one group."""
    lesson, group_max = c.claim.lesson, terms_of(c.agreement).group_max
    if lesson is None or lesson.group_size <= group_max:
        return None
    return Finding("L-06", Effect.REVIEW, {"group_size": str(lesson.group_size), "group_max": str(group_max)})


@rule(
    "L-07",
    effect=REJECT,
    condition="Der Termin ist ausgefallen, und ein Ausfallentgelt ist nicht vereinbart oder für diesen Monat verbraucht.",
    basis="Vereinbarung",
    benefits=_TUTORING,
    examples=(
        fires("Das Kind kam nicht.", LESSON, claim=_MISSED, lesson=_NO_TIMES),
        fires(
            "Ein Ausfall im Monat ist vereinbart und schon bezahlt.", LESSON, claim=_MISSED, terms=_WITH_FEE, situation={"absences_paid": 1}
        ),
        passes("Ein Ausfallentgelt ist vereinbart (L-08).", LESSON, claim=_MISSED, lesson=_NO_TIMES, terms=_WITH_FEE),
        passes("Der Unterricht fand statt.", LESSON),
    ),
)
def lesson_missed(c: Context) -> Finding | None:
    """Only lessons given, or missed ones within the agreed number a month."""
    if c.claim.attended or _fee_share(c) is not None:
        return None
    return Finding("L-07", Effect.REJECT, {"day": c.day.isoformat()})


@rule(
    "L-08",
    effect=REDUCE,
    condition="Der Termin ist ausgefallen: gezahlt wird das vereinbarte Ausfallentgelt.",
    basis="Vereinbarung",
    benefits=_TUTORING,
    examples=(
        fires("45,00 € berechnet, die Hälfte ist vereinbart.", LESSON, claim=_MISSED, lesson=_NO_TIMES, terms=_WITH_FEE),
        passes("Berechnet ist das Ausfallentgelt.", LESSON, situation={"claimed": 2250}, claim=_MISSED, lesson=_NO_TIMES, terms=_WITH_FEE),
        passes("Keines ist vereinbart (L-07).", LESSON, claim=_MISSED, lesson=_NO_TIMES),
        passes("Der Unterricht fand statt.", LESSON, terms=_WITH_FEE),
    ),
)
def cancellation_fee(c: Context) -> Finding | None:
    """The agreed share of what the lesson would have cost, half cents up. It uses no minutes of the budget."""
    lesson, share = c.claim.lesson, _fee_share(c)
    if c.claim.attended or share is None or lesson is None:
        return None
    fee = share_of(price_of_minutes(lesson.minutes, price_paid(c), unit_minutes_of(c)), share)
    return reduction(c, "L-08", fee, {"fee": print_money(fee)})


@rule(
    "L-09",
    effect=REVIEW,
    condition="Zur selben Zeit ist für das Kind schon anderer Unterricht abgerechnet.",
    basis="Nachweis der Leistung, § 29 (5) SGB II",
    benefits=_TUTORING,
    examples=(
        fires(
            "Ein anderer Anbieter unterrichtete zur selben Zeit.",
            LESSON,
            situation={"overlap": Overlap(same_provider=False, same_start=True)},
        ),
        fires("Derselbe Anbieter, überschneidend.", LESSON, situation={"overlap": Overlap(same_provider=True)}),
        passes("Derselbe Anbieter, derselbe Beginn (D-01).", LESSON, situation={"overlap": Overlap(same_provider=True, same_start=True)}),
        passes("Keine Überschneidung.", LESSON),
    ),
)
def overlapping_time(c: Context) -> Finding | None:
    """The first one stands, the later is decided by a person."""
    overlap = c.situation.overlap
    if overlap is None or (overlap.same_provider and overlap.same_start):
        return None
    return Finding("L-09", Effect.REVIEW, {"day": c.day.isoformat()})


@rule(
    "L-10",
    effect=REVIEW,
    condition="Dieselbe Lehrkraft gab zur selben Zeit einem anderen Kind Einzelunterricht.",
    basis="Nachweis der Leistung, § 29 (5) SGB II",
    benefits=_TUTORING,
    examples=(
        fires("Zwei Einzelstunden zur selben Zeit.", LESSON, situation={"tutor_overlap": True}),
        passes("Keine Überschneidung.", LESSON),
    ),
)
def tutor_overlap(c: Context) -> Finding | None:
    """Both lessons are reviewed; the caller finds the pair."""
    return Finding("L-10", Effect.REVIEW, {"day": c.day.isoformat()}) if c.situation.tutor_overlap else None


@rule(
    "L-11",
    effect=REVIEW,
    condition="Mehr Einheiten an einem Tag, als die Vereinbarung vorsieht.",
    basis="Vereinbarung; SG Dortmund: Umfang ist eine Frage des Einzelfalls",
    benefits=_TUTORING,
    examples=(
        fires("Nach drei Einheiten noch zwei.", LESSON, situation={"minutes_that_day": 135}),
        passes("Genau vier Einheiten.", LESSON, situation={"minutes_that_day": 90}),
        passes("Ein ausgefallener Termin zählt nicht.", LESSON, situation={"minutes_that_day": 180}, claim=_MISSED, lesson=_NO_TIMES),
    ),
)
def many_units(c: Context) -> Finding | None:
    """All lessons of the child that day together."""
    if not is_given(c):
        return None
    unit_minutes, units_max = unit_minutes_of(c), terms_of(c.agreement).units_per_day_max
    minutes = c.situation.minutes_that_day + minutes_shown(c)
    if minutes <= units_max * unit_minutes:
        return None
    # Units started, for people to read: 200 minutes at 45 are 5.
    return Finding("L-11", Effect.REVIEW, {"units": str(-(-minutes // unit_minutes)), "units_max": str(units_max)})


@rule(
    "L-12",
    effect=REVIEW,
    condition="Unterricht an einem Sonntag oder gesetzlichen Feiertag.",
    basis="Nachweis der Leistung, § 29 (5) SGB II",
    benefits=_TUTORING,
    examples=(
        fires("Ein Sonntag.", LESSON, situation={"sunday_or_holiday": True}),
        passes("Ein Werktag.", LESSON),
    ),
)
def on_sunday(c: Context) -> Finding | None:
    """Possible, but unusual."""
    return Finding("L-12", Effect.REVIEW, {"day": c.day.isoformat()}) if c.situation.sunday_or_holiday else None


@rule(
    "L-14",
    effect=REVIEW,
    condition="Der Nachweis fehlt, nennt keine Zeiten oder wurde schon einmal verwendet.",
    basis="§ 29 (5) SGB II",
    benefits=_TUTORING,
    examples=(
        fires("Kein Nachweis.", LESSON, lesson={"proof": False}),
        fires("Derselbe Nachweis wie auf einer anderen Zeile.", LESSON, situation={"proof_used": True}),
        fires("Die Zeiten fehlen.", LESSON, lesson={"recorded_to": None}),
        passes("Ein neuer Nachweis mit Zeiten.", LESSON),
        passes("Ein ausgefallener Termin braucht keinen.", LESSON, claim=_MISSED, lesson=_NO_TIMES),
        passes("Material ist kein Unterricht.", LESSON, claim={"item": "material", "lesson": None}),
    ),
)
def proof_missing(c: Context) -> Finding | None:
    """A lesson that was given is shown by a signed record with times."""
    lesson = c.claim.lesson
    if lesson is None or not c.claim.attended:
        return None
    if lesson.proof and not c.situation.proof_used and minutes_recorded(c) is not None:
        return None
    return Finding("L-14", Effect.REVIEW)


def _fee_share(c: Context) -> int | None:
    """The agreed share (ten-thousandths) for this missed lesson; None where none is agreed or the month's number is used up."""
    terms = terms_of(c.agreement)
    return terms.absence_share if c.situation.absences_paid < terms.absences_per_month else None
