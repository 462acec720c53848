"""E: whether a grant covers the position, and which."""

from datetime import date

from but_gateway.kit.period import Month
from but_gateway.rules.context import BKGG, Context, months_between
from but_gateway.rules.examples import CLUB_FEE, FLAT_MONTH, LESSON, MEAL, fires, on, passes
from but_gateway.rules.facts import Grant
from but_gateway.rules.rule import NOTE, REJECT, REVIEW, rule
from but_gateway.rules.verdict import Effect, Finding

_REVOKED = {"revoked_from": date(2026, 9, 1), "notified_on": date(2026, 11, 12)}
_SECOND = Grant("g2", 1, "b-lunch-2026", "bkgg", date(2026, 8, 1), date(2027, 1, 31))


@rule(
    "E-01",
    effect=REJECT,
    condition="Kein Bewilligungszeitraum umfasst den Leistungstag (erster und letzter Tag zählen mit).",
    basis="§ 41 (3) SGB II",
    examples=(
        fires("Ein Essen am Tag vor Beginn.", MEAL, situation=on(date(2026, 8, 31))),
        fires("Ein Essen am Tag nach dem Ende.", MEAL, situation=on(date(2027, 9, 1))),
        fires("Ein Monat, in dem kein Öffnungstag bewilligt ist.", FLAT_MONTH, grant={"valid_from": date(2026, 11, 1)}),
        passes("Ein Essen am ersten Tag.", MEAL, situation=on(date(2026, 9, 1))),
        passes("Ein Essen am letzten Tag.", MEAL, situation=on(date(2027, 8, 31))),
        passes("Ein Beitrag, dessen erster Tag im Zeitraum liegt.", CLUB_FEE, grant={"valid_to": date(2026, 10, 1)}),
    ),
)
def outside_period(c: Context) -> Finding | None:
    """No grant of this benefit covers the first day (a month: any of its days that count)."""
    if c.grant is not None or not c.grants or c.aged or c.ended is not None:
        return None
    return Finding("E-01", Effect.REJECT, {"day": c.day.isoformat()})


@rule(
    "E-02",
    effect=REJECT,
    condition="Für diese Leistungsart gibt es keine Bewilligung.",
    basis="§ 28 SGB II",
    examples=(
        fires("Bewilligt ist nur eine andere Leistung.", MEAL, facts={"grants": (), "other_benefits": True}),
        passes("Die Leistung ist bewilligt.", MEAL),
    ),
)
def no_grant(c: Context) -> Finding | None:
    """There is no grant of this benefit at all."""
    return None if c.grants else Finding("E-02", Effect.REJECT)


@rule(
    "E-03",
    effect=NOTE,
    condition="Eine Bewilligung nach dem BKGG beginnt oder endet nicht mit dem Monat. Sie zählt für ganze Monate.",
    basis="§ 5 (1) BKGG",
    examples=(
        fires(
            "Sie beginnt am 15. Oktober; das Essen vom 5. Oktober zählt.",
            MEAL,
            grant={"legal_basis": BKGG, "valid_from": date(2026, 10, 15)},
        ),
        fires("Beim Einlesen wurde sie auf ganze Monate erweitert.", MEAL, grant={"legal_basis": BKGG, "widened": True}),
        passes("Sie umfasst ganze Monate.", MEAL, grant={"legal_basis": BKGG}),
        passes("Für andere Rechtskreise gilt das nicht.", MEAL, grant={"valid_from": date(2026, 10, 2)}),
    ),
)
def not_whole_months(c: Context) -> Finding | None:
    """Such a grant is widened when it is imported and says so; where one comes as it is, it is read as whole months here."""
    grant = c.grant
    if grant is None or grant.legal_basis != BKGG:
        return None
    if not grant.widened and grant.valid_from.day == 1 and grant.valid_to == Month.of(grant.valid_to).last:
        return None
    return Finding("E-03", Effect.NOTE)


@rule(
    "E-04",
    effect=REJECT,
    condition="Bildung (nicht Teilhabe): die Altersgrenze ist erreicht, nach SGB II ab dem 25. Geburtstag, nach BKGG ab dem Monat danach.",
    basis="§ 28 (1) S. 2 SGB II; § 6b (2) S. 2, § 5 (1) BKGG",
    examples=(
        fires("Ein Essen am 25. Geburtstag (SGB II).", MEAL, situation={"age": 25, "age_before_month": 24}),
        fires(
            "Ein Essen im Monat nach dem 25. Geburtstag (BKGG).",
            MEAL,
            situation={"age": 25, "age_before_month": 25},
            grant={"legal_basis": BKGG},
        ),
        passes("Ein Essen am Tag vor dem 25. Geburtstag.", MEAL, situation={"age": 24, "age_before_month": 24}),
        passes(
            "BKGG: ein Essen im Monat des 25. Geburtstags.",
            MEAL,
            situation={"age": 25, "age_before_month": 24},
            grant={"legal_basis": BKGG},
        ),
        passes(
            "SGB XII kennt die Grenze nicht (E-05).", MEAL, situation={"age": 26, "age_before_month": 26}, grant={"legal_basis": "sgb12_3"}
        ),
    ),
)
def too_old(c: Context) -> Finding | None:
    """Every grant that would cover the position has ended by age (§§ 187 (2), 188 (2) BGB)."""
    return Finding("E-04", Effect.REJECT) if c.aged and c.grant is None else None


@rule(
    "E-06",
    effect=NOTE,
    condition="Zwei Bewilligungen verschiedener Rechtskreise umfassen denselben Tag. Gezahlt wird einmal, in fester Reihenfolge.",
    basis="§ 19 (2) SGB II",
    examples=(
        fires("SGB II und BKGG am selben Tag: BKGG zahlt.", MEAL, facts={"grants": (*MEAL.grants, _SECOND)}),
        fires(
            "Ein Monat, dessen Tage zum Teil doppelt bewilligt sind.",
            FLAT_MONTH,
            facts={"grants": (*FLAT_MONTH.grants, Grant("g2", 1, "b", "sgb12_4", date(2026, 10, 20), date(2027, 1, 31)))},
        ),
        passes("Zwei Bewilligungen desselben Rechtskreises.", MEAL, facts={"grants": (*MEAL.grants, *MEAL.grants)}),
        passes(
            "Ein Monat, in dem der Rechtskreis wechselt.",
            FLAT_MONTH,
            facts={
                "grants": (
                    Grant("g1", 1, "a", "sgb2", date(2026, 9, 1), date(2026, 10, 15)),
                    Grant("g2", 1, "b", "sgb12_4", date(2026, 10, 16), date(2027, 1, 31)),
                )
            },
        ),
        passes("Eine Bewilligung.", MEAL),
    ),
)
def double_grant(c: Context) -> Finding | None:
    """Paid once; the office is told because one of the two acts is probably wrong."""
    if len(c.covering) <= 1:
        return None
    chosen = c.grants[c.covering[0]]
    days = c.month_days if c.month else (c.day,)
    for day in days:
        bases = {c.grants[index].legal_basis for index in c.covering if c.covers(index, day)}
        if len(bases) > 1:
            return Finding("E-06", Effect.NOTE, {"chosen_basis": chosen.legal_basis})
    return None


@rule(
    "E-07",
    effect=REJECT,
    condition="Die Bewilligung wurde aufgehoben, und der Leistungstag liegt weder vor der Wirkung noch vor der Mitteilung an den Anbieter.",
    basis="§§ 45, 48 SGB X; Vereinbarung",
    examples=(
        fires("Ein Essen am Tag der Mitteilung.", MEAL, situation=on(date(2026, 11, 12)), grant=_REVOKED),
        fires("Ohne Vertrauensschutz zählt allein die Wirkung.", MEAL, grant=_REVOKED, town={"protect_good_faith": False}),
        passes("Ein Essen am Tag vor der Mitteilung.", MEAL, situation=on(date(2026, 11, 11)), grant=_REVOKED),
        passes(
            "Eine zweite Bewilligung umfasst den Tag.",
            MEAL,
            situation=on(date(2026, 11, 12)),
            grant=_REVOKED,
            facts={"grants": (*MEAL.grants, _SECOND)},
        ),
        passes("Die Aufhebung wirkt erst später.", MEAL, grant={"revoked_from": date(2026, 10, 6)}, town={"protect_good_faith": False}),
    ),
)
def revoked(c: Context) -> Finding | None:
    """Ended by revocation, and no other grant covers the position."""
    grant = c.ended
    if grant is None or c.grant is not None:
        return None
    return Finding("E-07", Effect.REJECT, _revocation_values(grant))


@rule(
    "E-08",
    effect=NOTE,
    condition="Die Bewilligung wurde rückwirkend aufgehoben; der Anbieter wusste am Leistungstag noch nichts davon und wird bezahlt.",
    basis="§ 29 (3), § 40 (6) S. 3 SGB II",
    examples=(
        fires("Ein Essen zwischen Wirkung und Mitteilung.", MEAL, grant=_REVOKED),
        fires("Ein Essen am Tag der Wirkung.", MEAL, grant={"revoked_from": date(2026, 10, 5), "notified_on": date(2026, 11, 12)}),
        fires("Die Aufhebung ist noch nicht mitgeteilt.", MEAL, grant={"revoked_from": date(2026, 9, 1)}),
        fires("Eine bestätigte Prüfung deckt den Tag.", MEAL, situation={**on(date(2026, 11, 13)), "promised": True}, grant=_REVOKED),
        fires(
            "Ein Monat, dessen erste Bewilligung vor der zweiten aufgehoben wurde.",
            FLAT_MONTH,
            facts={
                "grants": (
                    Grant("g1", 1, "a", "sgb2", date(2026, 9, 1), date(2026, 10, 15), revoked_from=date(2026, 10, 12)),
                    Grant("g2", 1, "b", "sgb12_4", date(2026, 10, 16), date(2027, 1, 31)),
                )
            },
        ),
        passes("Ein Essen vor der Wirkung.", MEAL, grant={"revoked_from": date(2026, 10, 6), "notified_on": None}),
        passes("Nichts wurde aufgehoben.", MEAL),
    ),
)
def protected(c: Context) -> Finding | None:
    """Paid by trust: the office may turn to the family (§ 50 SGB X), never to the provider."""
    if c.grant is None:
        return None
    for index in c.bearing if c.month else c.covering[:1]:
        grant = c.grants[index]
        # Of a month that changes from one grant to the next each bears its own days.
        last = next((day for day in reversed(c.covered_days) if c.covers(index, day)), c.day)
        if grant.revoked_from is not None and last >= grant.revoked_from:
            return Finding("E-08", Effect.NOTE, _revocation_values(grant))
    return None


@rule(
    "E-09",
    effect=REVIEW,
    condition="Die Bewilligung ist strittig.",
    basis="§ 41a SGB II",
    examples=(
        fires("Die Bewilligung ist strittig.", MEAL, grant={"status": "disputed"}),
        passes("Die Bewilligung ist vorläufig.", MEAL, grant={"status": "provisional"}),
        passes("Eine bestätigte Prüfung deckt den Tag.", MEAL, situation={"promised": True}, grant={"status": "disputed"}),
        passes("Ohne Bewilligung gibt es nichts zu klären.", MEAL, situation=on(date(2026, 8, 31)), grant={"status": "disputed"}),
    ),
)
def disputed(c: Context) -> Finding | None:
    """Only ``disputed``; a provisional grant pays. A confirmed check keeps its promise where good faith is protected."""
    if c.grant is None or c.grant.status != "disputed" or (c.situation.promised and c.town.protect_good_faith):
        return None
    return Finding("E-09", Effect.REVIEW)


@rule(
    "E-12",
    effect=REVIEW,
    condition="Die Bewilligung wurde beim Einlesen beanstandet (der gesonderte Antrag liegt nach dem Beginn).",
    basis="§ 37 (2) S. 1 SGB II",
    benefits=("tutoring",),
    examples=(
        fires("Der Antrag liegt nach dem Beginn der Bewilligung.", LESSON, grant={"flagged": True}),
        passes("Die Bewilligung ist ohne Beanstandung.", LESSON),
    ),
)
def flagged_import(c: Context) -> Finding | None:
    """Found when grants are imported, as E-11 is; only lines under a grant that begins before its application are decided by a person."""
    return Finding("E-12", Effect.REVIEW) if c.grant is not None and c.grant.flagged else None


@rule(
    "E-13",
    effect=REVIEW,
    condition="Eine Leistung nach dem BKGG wird mehr als zwölf Monate nach Ende ihres Monats berechnet. Verjährt ist sie nur auf Einrede.",
    basis="§ 6b (2a) BKGG",
    examples=(
        fires(
            "Oktober 2026 geht am 1. November 2027 ein.", MEAL, situation={"received_on": date(2027, 11, 1)}, grant={"legal_basis": BKGG}
        ),
        passes(
            "Oktober 2026 geht am 31. Oktober 2027 ein.", MEAL, situation={"received_on": date(2027, 10, 31)}, grant={"legal_basis": BKGG}
        ),
        passes("Andere Rechtskreise kennen diese Frist nicht.", MEAL, situation={"received_on": date(2027, 11, 1)}),
    ),
)
def maybe_barred(c: Context) -> Finding | None:
    """Possibly time-barred: the authority has to raise it, so a person decides."""
    grant = c.grant
    if grant is None or grant.legal_basis != BKGG or c.law is None:
        return None
    last = c.situation.last_day
    if months_between(last, c.situation.received_on) <= c.law.bkgg_limitation_months:
        return None
    return Finding("E-13", Effect.REVIEW, {"month": str(Month.of(last))})


@rule(
    "E-14",
    effect=REJECT,
    condition="Die Familie hat den Anbieter für diesen Tag schon selbst bezahlt. Erstattet wird der Familie.",
    basis="§ 30 SGB II, § 34b SGB XII",
    examples=(
        fires("Die Familie hat den Oktober bezahlt.", MEAL, situation={"paid_by_family": (date(2026, 10, 1), date(2026, 10, 31))}),
        passes("Keine Zahlung der Familie ist vermerkt.", MEAL),
    ),
)
def paid_by_family(c: Context) -> Finding | None:
    """Self-help of the family is settled with the family."""
    paid = c.situation.paid_by_family
    if paid is None:
        return None
    return Finding("E-14", Effect.REJECT, {"first_day": paid[0].isoformat(), "last_day": paid[1].isoformat()})


def _revocation_values(grant: Grant) -> dict[str, str]:
    """From which day and, once told, told when."""
    days = {"effective_from": grant.revoked_from, "notified_on": grant.notified_on}
    return {name: day.isoformat() for name, day in days.items() if day is not None}
