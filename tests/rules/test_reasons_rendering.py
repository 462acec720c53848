"""How findings become sentences: values in words, results, times, codes, and what is refused."""

from datetime import date

import pytest

from but_gateway.kit.period import DayRange, Month
from but_gateway.rules.texts import (
    ProviderText,
    UnknownReason,
    WrongValues,
    clerk_text,
    code_list,
    declared_values,
    provider_finding_text,
    public_code,
    refusal_text,
    rule_texts,
)
from but_gateway.rules.verdict import Effect, Outcome
from but_gateway.rules.wording import KINDS, Lang, When, amount_in_words, when_in_words

DAY = date(2026, 11, 5)


def test_a_price_above_the_agreed_one_reads_as_in_the_catalogue() -> None:
    found = provider_finding_text("P-05", {"agreed": "4.20", "billed": "4.50"}, 450, 420, date(2026, 9, 14), "de", effect=Effect.REDUCE)
    assert found == ProviderText(
        code="OVER_AGREED_PRICE",
        text="Wir bezahlen 4,20 € statt 4,50 €. Vereinbart sind 4,20 € je Einheit, Sie haben 4,50 € berechnet.",
        next_step="Sie müssen nichts tun. Berechnen Sie künftig den vereinbarten Preis.",
        bearer="provider",
        values={"agreed": "4.20", "billed": "4.50"},
    )


def test_the_end_of_a_confirmation_says_from_when_and_told_when_but_never_why() -> None:
    values = {"effective_from": "2026-09-01", "notified_on": "2026-11-12"}
    found = provider_finding_text("E-07", values, 450, 0, date(2026, 11, 13), "de")
    assert found.text == (
        "Wir bezahlen die 4,50 € nicht. Die Bestätigung gilt ab dem 01.09.2026 nicht mehr. Das haben wir Ihnen am 12.11.2026 mitgeteilt."
    )
    without = provider_finding_text("E-07", {"effective_from": "2026-09-01"}, 450, 0, date(2026, 11, 13), "de")
    assert without.text == "Wir bezahlen die 4,50 € nicht. Die Bestätigung gilt ab dem 01.09.2026 nicht mehr."


def test_a_finding_over_several_days_says_on_how_many() -> None:
    found = provider_finding_text("M-05", {"day": "2026-10-19", "reason": "school_holiday"}, 1350, 0, 3, "de")
    assert found.text == "Wir bezahlen die 13,50 € nicht. An 3 Tagen hatte die Einrichtung nach unserem Kalender geschlossen: Schulferien."
    assert dict(found.values) == {"reason": "school_holiday"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"remaining_minutes": "360"}, "noch 360 Minuten frei."),
        ({"remaining_minutes": "1"}, "noch 1 Minute frei."),
        ({"remaining_days": "1"}, "noch 1 Tag frei."),
        ({"remaining_days": "0"}, "noch 0 Tage frei."),
        ({"remaining_amount": "1234.50"}, "noch 1.234,50 € frei."),
    ],
)
def test_what_is_left_of_a_budget_is_said_in_its_unit(values: dict[str, str], says: str) -> None:
    assert provider_finding_text("B-01", values, 27000, 18000, DAY, "de").text.endswith(says)
    assert clerk_text("B-01", values, "de").endswith(says)


@pytest.mark.parametrize(
    ("claimed", "approved", "outcome", "says"),
    [
        (450, 450, None, "Wir bezahlen 4,50 €."),
        (450, 420, None, "Wir bezahlen 4,20 € statt 4,50 €."),
        (450, 0, None, "Wir bezahlen die 4,50 € nicht."),
        (450, 0, Outcome.REVIEW, "Wir prüfen die 4,50 € noch."),
        (450, 420, Outcome.REDUCED, "Wir bezahlen 4,20 € statt 4,50 €."),
        (-450, -450, None, "Wir verrechnen 4,50 € mit Ihrer nächsten Zahlung."),
        (-450, 0, None, "Wir übernehmen die Korrektur über 4,50 € nicht."),
        (-450, 0, Outcome.REVIEW, "Wir prüfen die Korrektur über 4,50 € noch."),
    ],
)
def test_the_result_comes_first_and_is_that_of_the_position(claimed: int, approved: int, outcome: Outcome | None, says: str) -> None:
    found = provider_finding_text("P-07", {"ceiling": "5.00"}, claimed, approved, DAY, "de", effect=Effect.REDUCE, outcome=outcome)
    assert found.text == f"{says} Unser Höchstbetrag ist 5,00 € je Essen."


def test_without_an_outcome_a_review_finding_speaks_of_a_review_and_with_one_the_outcome_counts() -> None:
    values = {"deadline": "2026-10-31"}
    alone = provider_finding_text("H-06", values, 450, 0, DAY, "de", effect=Effect.REVIEW)
    beside_a_refusal = provider_finding_text("H-06", values, 450, 0, DAY, "de", effect=Effect.REVIEW, outcome=Outcome.REJECTED)
    assert alone.text.startswith("Wir prüfen die 4,50 € noch.")
    assert beside_a_refusal.text.startswith("Wir bezahlen die 4,50 € nicht.")


@pytest.mark.parametrize(
    ("lang", "when", "at", "span"),
    [
        ("de", DAY, "am 05.11.2026", "für den 05.11.2026"),
        ("en", DAY, "on 5 November 2026", "for 5 November 2026"),
        ("de", Month(2026, 10), "im Oktober 2026", "für Oktober 2026"),
        ("en", Month(2026, 10), "in October 2026", "for October 2026"),
        ("de", DayRange(DAY, date(2026, 11, 9)), "vom 05.11.2026 bis 09.11.2026", "für die Zeit vom 05.11.2026 bis 09.11.2026"),
        (
            "en",
            DayRange(DAY, date(2026, 11, 9)),
            "from 5 November 2026 to 9 November 2026",
            "for the time from 5 November 2026 to 9 November 2026",
        ),
        ("de", 1, "an einem Tag", "für einen Tag"),
        ("en", 1, "on one day", "for one day"),
        ("de", 3, "an 3 Tagen", "für 3 Tage"),
        ("en", 3, "on 3 days", "for 3 days"),
    ],
)
def test_times_read_as_people_say_them(lang: Lang, when: When, at: str, span: str) -> None:
    words = when_in_words(when, lang)
    assert words == {"when": at, "When": at[0].upper() + at[1:], "for_when": span, "For_when": span[0].upper() + span[1:]}


@pytest.mark.parametrize(
    ("kind", "value", "german", "english"),
    [
        ("money", "1234.50", "1.234,50 €", "EUR 1234.50"),
        ("day", "2026-11-05", "05.11.2026", "5 November 2026"),
        ("month", "2026-03", "März 2026", "March 2026"),
        ("range", "2026-10-01..2026-10-31", "01.10.2026 bis 31.10.2026", "1 October 2026 to 31 October 2026"),
        ("number", "1.5", "1,5", "1.5"),
        ("minutes", "60", "60 Minuten", "60 minutes"),
        ("days", "1", "1 Tag", "1 day"),
        ("percent", "0.50", "50 %", "50%"),
        ("percent", "0.3333", "33,33 %", "33.33%"),
        ("percent", "1", "100 %", "100%"),
        ("rate", "19.00", "19 %", "19%"),
        ("rate", "7.50", "7,5 %", "7.5%"),
        ("rate", "0.00", "0 %", "0%"),
        ("text", "wie es ist", "wie es ist", "wie es ist"),
    ],
)
def test_values_in_contract_form_are_put_into_words_by_their_kind(kind: str, value: str, german: str, english: str) -> None:
    assert KINDS[kind](value, "de") == german
    assert KINDS[kind](value, "en") == english


def test_negative_amounts_keep_their_sign() -> None:
    assert amount_in_words(-450, "de") == "-4,50 €"
    assert amount_in_words(-450, "en") == "EUR -4.50"


def test_words_of_a_list_are_translated_and_unknown_ones_shown_as_they_came() -> None:
    assert clerk_text("L-01", {"subject": "deutsch_als_zweitsprache"}, "de") == "Das Fach Deutsch als Zweitsprache ist nicht bewilligt."
    assert clerk_text("L-01", {"subject": "deutsch_als_zweitsprache"}, "en") == "The subject German as a second language is not granted."
    assert clerk_text("L-01", {"subject": "kunst"}, "de") == "Das Fach kunst ist nicht bewilligt."


def test_staff_see_the_legal_basis_that_pays() -> None:
    assert clerk_text("E-06", {"chosen_basis": "bkgg"}, "de") == "Mehrere Bewilligungen decken diesen Tag. Gezahlt wird einmal, aus BKGG."


@pytest.mark.parametrize(
    ("rule", "effect", "code"),
    [
        ("M-06", Effect.REVIEW, "IN_CLARIFICATION"),
        ("M-06", Effect.REJECT, "CLOSED_DAY"),
        ("M-06", None, "CLOSED_DAY"),
        ("D-01", Effect.REVIEW, "IN_CLARIFICATION"),
        ("D-01", Effect.REJECT, "ALREADY_BILLED"),
        ("T-01", Effect.NOTE, None),
        ("T-01", Effect.REVIEW, "IN_CLARIFICATION"),
        ("T-01", Effect.REJECT, None),
        ("P-06", Effect.NOTE, None),
        ("P-06", None, None),
        ("P-05", None, "OVER_AGREED_PRICE"),
        ("P-05", Effect.REJECT, "OVER_AGREED_PRICE"),
        ("S-01", None, None),
        ("law_not_loaded", Effect.REVIEW, "IN_CLARIFICATION"),
        ("person_reject", Effect.REJECT, "DECIDED_BY_OFFICE"),
        ("person_query", Effect.REVIEW, "QUERY"),
    ],
)
def test_the_public_code_of_a_finding_depends_on_its_effect_where_the_catalogue_says_so(
    rule: str, effect: Effect | None, code: str | None
) -> None:
    assert public_code(rule, effect) == code


def test_internal_findings_have_no_text_for_providers() -> None:
    for rule, effect in (("P-06", Effect.NOTE), ("E-08", None), ("T-02", Effect.NOTE), ("S-01", None)):
        with pytest.raises(UnknownReason):
            provider_finding_text(rule, dict.fromkeys(declared_values(rule), "2026-11-05"), 450, 450, DAY, "de", effect=effect)


def test_an_unknown_rule_has_no_text() -> None:
    for ask in (public_code, declared_values):
        with pytest.raises(UnknownReason, match="Z-99"):
            ask("Z-99")


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("P-05", {"agreed": "4.20"}),
        ("P-05", {"agreed": "4.20", "billed": "4.50", "more": "1"}),
        ("E-07", {"notified_on": "2026-11-12"}),
        ("B-01", {}),
        ("B-01", {"remaining_minutes": "1", "remaining_days": "1"}),
        ("M-09", {"month": "2026-10"}),
    ],
)
def test_values_other_than_those_declared_are_refused(rule: str, values: dict[str, str]) -> None:
    with pytest.raises(WrongValues, match=rule):
        clerk_text(rule, values, "de")


def test_a_refused_invoice_gets_text_and_next_step() -> None:
    refused = refusal_text("H-03", {"diff": "0.50"}, "de")
    assert refused.text == "Wir nehmen die Rechnung nicht an. Die Summen weichen um 0,50 € voneinander ab."
    assert refused.next_step == "Berichtigen Sie die Beträge, und senden Sie die Rechnung noch einmal."
    with pytest.raises(UnknownReason, match="P-05"):
        refusal_text("P-05", {}, "de")


def test_a_persons_decision_is_told_neutrally() -> None:
    texts = {
        name: provider_finding_text(f"person_{name}", {}, 900, approved, DAY, "de").text
        for name, approved in (("accept", 900), ("reduce", 450), ("reject", 0), ("query", 0))
    }
    assert texts == {
        "accept": "Wir bezahlen 9,00 €. Unsere Sachbearbeitung hat die Position geprüft und anerkannt.",
        "reduce": "Wir bezahlen 4,50 € statt 9,00 €. Unsere Sachbearbeitung hat die Position geprüft und gekürzt.",
        "reject": "Wir bezahlen die 9,00 € nicht. Unsere Sachbearbeitung hat die Position geprüft und abgelehnt.",
        "query": "Bevor wir über die 9,00 € entscheiden, brauchen wir eine Angabe von Ihnen.",
    }


def test_the_list_of_codes_carries_an_example_with_day_or_month() -> None:
    entries = {entry.code: entry for entry in code_list("de")}
    assert entries["PARTLY_PAID"].example.when == "2026-10"
    assert (
        entries["PARTLY_PAID"].example.text == "Wir bezahlen 34,29 € statt 60,00 €. Bestätigt sind 12 von 21 Abrechnungstagen des Monats."
    )
    assert entries["NOT_CONFIRMED"].example.values == {}
    assert entries["NOT_CONFIRMED"].title == "Berechtigung nicht bestätigt"
    assert [entry.code for entry in code_list("en")] == list(entries)


def test_the_page_of_a_rule_shows_its_texts_with_their_placeholders() -> None:
    page = rule_texts("M-06", "de")
    assert page.codes == ("CLOSED_DAY", "IN_CLARIFICATION")
    assert page.values == {"day": "day"}
    assert page.clerk.startswith("Der {day} liegt in den Schulferien.")
    assert [one.text for one in page.provider] == [
        "{result} Mittagessen in den Schulferien bezahlen wir nicht.",
        "{For_when} klären wir noch eine offene Frage. Es geht um {claimed}.",
    ]
    assert rule_texts("H-01", "en").provider[0].text.startswith("We do not accept the invoice.")
    assert rule_texts("P-06", "de").provider == ()
