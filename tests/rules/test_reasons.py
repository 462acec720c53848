"""The lint of reasons.yaml: complete, plain, and silent about what a provider must not learn."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
import yaml

from but_gateway.kit.period import DayRange, Month
from but_gateway.law.basis import LegalBasis
from but_gateway.rules.facts import Closed
from but_gateway.rules.texts import (
    IMPLICIT,
    REASONS_FILE,
    Reason,
    catalogue,
    clerk_text,
    code_list,
    provider_finding_text,
    refusal_text,
    rules_with_code,
)
from but_gateway.rules.verdict import Effect, Outcome
from but_gateway.rules.wording import KINDS, LANGUAGES, Lang, When

FAMILIES = {"H": 8, "I": 5, "E": 14, "P": 9, "M": 18, "L": 17, "X": 8, "B": 4, "T": 3, "S": 10, "D": 1}
RULE_IDS = [f"{family}-{number:02d}" for family, count in FAMILIES.items() for number in range(1, count + 1)]
PSEUDO_RULES = ["law_not_loaded", "person_accept", "person_reduce", "person_reject", "person_query"]

# The table "codes a provider sees" of the rule catalogue; DECIDED_BY_OFFICE and QUERY speak of decisions by persons.
CODES: dict[str, tuple[str | None, str]] = {
    "NOT_CONFIRMED": ("open", "I-01 I-02 I-05"),
    "IN_CLARIFICATION": (
        None,
        "I-04 E-09 E-12 E-13 M-03 M-06 M-11 M-16 P-03 L-06 L-09 L-10 L-11 L-12 L-14 X-04 X-05 H-07 T-01 T-02 T-03 D-01 law_not_loaded",
    ),
    "NOT_IN_PERIOD": ("family", "E-01 E-04 E-10 X-02"),
    "ENDED": ("family", "E-07"),
    "NOT_COVERED": ("family", "E-02 M-12 M-13 M-15 X-01 X-06 P-09"),
    "PAID_BY_FAMILY": ("other_payer", "E-14"),
    "NO_AGREEMENT": ("provider", "P-01"),
    "NOT_ASSIGNED": ("provider", "P-04 M-02"),
    "RELATIVE": ("provider", "P-08"),
    "OVER_AGREED_PRICE": ("provider", "P-05 P-07 L-05"),
    "ALREADY_BILLED": ("provider", "M-01 D-01 X-07"),
    "ONE_PER_DAY": ("provider", "M-04 M-18"),
    "CLOSED_DAY": ("provider", "M-05 M-06"),
    "NOT_ATTENDED": ("provider", "M-07 L-07"),
    "PARTLY_PAID": ("provider", "M-08 M-10 M-14 L-08"),
    "WRONG_SUBJECT": ("provider", "L-01"),
    "DURATION": ("provider", "L-03 L-04"),
    "BUDGET_USED": ("family", "B-01 L-02 X-03"),
    "NUMBER_REPLACED": ("provider", "B-04"),
    "LATE": ("provider", "H-06"),
    "IN_FUTURE": ("provider", "H-04"),
    "INVALID_AMOUNT": ("provider", "H-08 S-03"),
    "DECIDED_BY_OFFICE": ("open", "person_accept person_reduce person_reject"),
    "QUERY": (None, "person_query"),
}
UNIFORM_TEXTS = {
    "NOT_CONFIRMED": {Outcome.REJECTED: "Wir bezahlen die 4,50 € nicht. Wir können die Angaben zum Kind nicht bestätigen."},
    "IN_CLARIFICATION": {
        Outcome.REVIEW: "Für den 05.11.2026 klären wir noch eine offene Frage. Es geht um 4,50 €.",
        Outcome.REJECTED: "Außerdem war für den 05.11.2026 eine Frage offen. Weil wir die 4,50 € nicht bezahlen, ist sie erledigt.",
    },
    "NOT_IN_PERIOD": {Outcome.REJECTED: "Wir bezahlen die 4,50 € nicht. Für den 05.11.2026 haben wir keine Bestätigung."},
}
UNIFORM = set(UNIFORM_TEXTS)
REFUSALS = {"H-01", "H-02", "H-03", "H-05", "P-02"}

BANNED = re.compile(r"\bwird gebeten\b|\bseitens\b|\bmangels\b|\bVorliegen\b|\berfolg(en|t|te|ten)\b", re.IGNORECASE)
PASSIVE = {
    "de": re.compile(r"\b(wird|werden|wurde|wurden|worden)\b"),
    # "closed" and "open" are how a facility is, not what somebody did to it.
    "en": re.compile(r"\b(is|are|was|were|be|been|being)\s+(?!closed\b|open\b)\w+(ed|en)\b"),
}
# What would tell a provider under which statute, or that, a family receives benefits; and rule ids.
LEAKS = re.compile(
    r"SGB|BKGG|AsylbLG|§|Bürgergeld|Grundsicherung|Jobcenter|Sozialamt|Sozialhilfe|Sozialleistung|Hartz|Asyl|Wohngeld|Kinderzuschlag|Rechtskreis"
    r"|Leistungsbezug|Leistungsempf|bedürftig|Widerruf|widerrufen|aufgehoben|Aufhebung|Bewilligung|Altersgrenze|Einkommen"
    r"|welfare|social assistance|asylum|poor|income|benefit|revoke|grant|legal basis|\b[HIEPMLXBTSD]-\d\d\b",
    re.IGNORECASE,
)
ACTION = {
    "de": re.compile(r"(^|[.,] (und )?)(Sie müssen nichts tun\.|[A-ZÄÖÜ][a-zäöüß]+ Sie\b)"),
    "en": re.compile(
        r"(^|\. )(You need not do anything\.|(Check|Ask|Bill|Contact|Have|Raise|Tell|Mend|Add|Give|Put|Send|Submit|Then)\b)",
    ),
}
SAMPLES = {
    "money": "1234.50",
    "day": "2026-11-05",
    "month": "2026-10",
    "number": "12",
    "minutes": "60",
    "days": "3",
    "percent": "0.50",
    "rate": "19.00",
    "text": "Text",
    "range": "2026-10-01..2026-10-31",
}
TIMES: list[When] = [date(2026, 11, 5), Month(2026, 10), DayRange(date(2026, 10, 5), date(2026, 10, 9)), 1, 3]

OUTCOMES = [(Outcome.REVIEW, 0), (Outcome.REJECTED, 0), (Outcome.REDUCED, 420)]

RAW: dict[str, Any] = yaml.safe_load(REASONS_FILE.read_text(encoding="utf-8"))
REASONS = list(catalogue().reasons.values())


def sample_of(kind: str) -> str:
    return SAMPLES[kind] if kind in SAMPLES else next(iter(RAW["words"][kind]))


def samples_of(reason: Reason) -> Iterator[dict[str, str]]:
    """Values as a finding may carry them: all, and without those that may be missing."""
    must = {name: sample_of(kind) for name, kind in reason.kinds.items() if name not in reason.optional}
    may = {name: sample_of(reason.kinds[name]) for name in reason.optional}
    if reason.one_of:
        yield from (must | {name: may[name]} for name in sorted(reason.one_of))
    else:
        yield must | may
        yield must


def provider_texts(reason: Reason, lang: Lang) -> Iterator[tuple[dict[str, str], str, str]]:
    """Every text a provider may get of a rule: (values shown, text, next step)."""
    for values in samples_of(reason):
        if reason.refusal is not None:
            refused = refusal_text(reason.rule, values, lang)
            yield values, refused.text, refused.next_step
        # One effect per code: the text depends on nothing else of it.
        effects = {code: effect for effect, code in reason.codes.items() if code is not None}.values()
        for effect, when, (outcome, approved) in product(effects, TIMES, OUTCOMES):
            found = provider_finding_text(reason.rule, values, 450, approved, when, lang, effect=effect, outcome=outcome)
            yield dict(found.values), found.text, found.next_step


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ„“0-9])", text)


each_reason = pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.rule)
each_lang = pytest.mark.parametrize("lang", LANGUAGES)


def test_every_rule_of_the_catalogue_is_there_exactly_once() -> None:
    written = re.findall(r"^  ([\w-]+):", REASONS_FILE.read_text(encoding="utf-8").split("\nrules:\n")[1], re.MULTILINE)
    assert sorted(written) == sorted(RULE_IDS + PSEUDO_RULES)


def test_the_codes_are_those_of_the_catalogue_with_their_rules_and_bearers() -> None:
    assert {code: sorted(rules.split()) for code, (_, rules) in CODES.items()} == {
        code: sorted(rules) for code, rules in rules_with_code().items()
    }
    assert {code: bearer for code, (bearer, _) in CODES.items()} == {code.code: code.bearer for code in catalogue().codes.values()}


def test_the_codes_that_could_tell_a_cause_speak_with_one_voice() -> None:
    assert {code.code for code in catalogue().codes.values() if code.uniform} == UNIFORM
    for reason in REASONS:
        codes = {code for code in reason.codes.values() if code is not None}
        if codes and codes <= UNIFORM:
            assert reason.provider is None, reason.rule
            assert reason.provider_values == (), reason.rule


def test_only_rules_about_whole_invoices_have_refusals() -> None:
    assert {reason.rule for reason in REASONS if reason.refusal is not None} == REFUSALS
    assert all(set(reason.codes.values()) == {None} for reason in REASONS if reason.refusal is not None)


def test_nothing_unknown_stands_in_the_file() -> None:
    assert set(RAW) == {"results", "words", "codes", "rules"}
    for rule, body in RAW["rules"].items():
        assert set(body) <= {"code", "values", "one_of", "provider_values", "clerk", "provider", "refusal"}, rule
        assert isinstance(body["code"], str | dict | None)
    for code, body in RAW["codes"].items():
        assert set(body) - {"uniform", "refused"} == {"bearer", "title", "description", "provider", "example"}, code
        assert set(body["example"]) - {"values", "effect"} == {"rule", "claimed", "approved", "when"}, code


def test_every_text_is_there_in_both_languages() -> None:
    def both(texts: dict[str, Any]) -> None:
        assert set(texts) == set(LANGUAGES)
        for one in texts.values():
            for text in one.values() if isinstance(one, dict) else [one]:
                assert text.strip() == text != ""

    for body in RAW["codes"].values():
        both(body["title"])
        both(body["description"])
        both(body["provider"])
        both(body.get("refused", body["provider"]))
    for body in RAW["rules"].values():
        both(body["clerk"])
        for kind in ("provider", "refusal"):
            if kind in body:
                both(body[kind])
    for group in [*RAW["words"].values(), RAW["results"]]:
        for one in group.values():
            both(one)


def test_the_lists_of_words_are_complete() -> None:
    assert set(RAW["words"]["closing"]) == {one.value for one in Closed}
    assert set(RAW["words"]["legal_basis"]) == {one.value for one in LegalBasis}
    subjects = "mathematik deutsch englisch franzoesisch latein spanisch physik chemie biologie sachunterricht geschichte erdkunde politik"
    assert set(RAW["words"]["subject"]) == {*subjects.split(), "lesen_schreiben", "rechnen", "deutsch_als_zweitsprache", "weitere"}
    items = "lunch individual group fee drink breakfast snack material pocket_money equipment"
    assert set(RAW["words"]["item"]) == set(items.split())


@each_reason
def test_every_kind_is_known_and_every_value_is_used(reason: Reason) -> None:
    assert all(kind in KINDS or kind in RAW["words"] for kind in reason.kinds.values())
    assert set(reason.provider_values) <= set(reason.kinds)
    assert reason.one_of <= reason.optional
    for lang in LANGUAGES:
        assert reason.clerk[lang].placeholders == set(reason.kinds)
        own = reason.refusal or reason.provider
        shown = own[lang].text.placeholders | own[lang].next_step.placeholders if own else frozenset()
        assert shown - IMPLICIT == set(reason.provider_values)


def test_texts_of_codes_need_nothing_but_what_every_position_has() -> None:
    for code in catalogue().codes.values():
        for lang in LANGUAGES:
            advice = code.provider[lang]
            assert advice.text.placeholders | advice.next_step.placeholders <= IMPLICIT


@each_lang
@each_reason
def test_the_clerks_text_is_short_and_plain(reason: Reason, lang: Lang) -> None:
    for values in samples_of(reason):
        text = clerk_text(reason.rule, values, lang)
        assert text.endswith(".")
        assert "{" not in text
        assert "[" not in text
        assert not BANNED.search(text)
        assert all(len(sentence.split()) <= 22 for sentence in sentences(text)), text


@each_lang
@each_reason
def test_the_providers_text_is_short_plain_and_active(reason: Reason, lang: Lang) -> None:
    for _, text, next_step in provider_texts(reason, lang):
        for one in (text, next_step):
            assert one.endswith(".")
            assert "{" not in one
            assert "[" not in one
            assert "  " not in one
            assert not BANNED.search(one), one
            assert not PASSIVE[lang].search(one), one
            assert all(len(sentence.split()) <= 22 for sentence in sentences(one)), one


@each_lang
@each_reason
def test_the_providers_text_gives_values_and_an_action(reason: Reason, lang: Lang) -> None:
    for shown, text, next_step in provider_texts(reason, lang):
        assert ACTION[lang].search(next_step), next_step
        if reason.refusal is None:
            assert re.search(r"\d", text), text
        own = (reason.refusal or reason.provider) if shown else None
        for name in shown:
            assert own is not None
            assert name in own[lang].text.placeholders


@each_lang
@each_reason
def test_no_provider_reads_a_legal_basis_or_a_rule(reason: Reason, lang: Lang) -> None:
    for shown, text, next_step in provider_texts(reason, lang):
        assert not LEAKS.search(" ".join([text, next_step, *shown, *shown.values()]))


@each_lang
def test_the_published_list_of_codes_leaks_nothing_and_reads_plainly(lang: Lang) -> None:
    for entry in code_list(lang):
        for text in (entry.title, entry.description, entry.example.text, entry.example.next_step):
            assert not LEAKS.search(text), text
            assert not BANNED.search(text), text
            assert all(len(sentence.split()) <= 22 for sentence in sentences(text)), text


@each_reason
def test_all_rules_of_a_uniform_code_say_the_same(reason: Reason) -> None:
    values = next(samples_of(reason))
    for effect, code in reason.codes.items():
        if code in UNIFORM:
            for outcome, expected in UNIFORM_TEXTS[code].items():
                found = provider_finding_text(reason.rule, values, 450, 0, TIMES[0], "de", effect=effect, outcome=outcome)
                assert found.text == expected
                assert dict(found.values) == {}


def test_effects_are_named_as_in_the_verdict() -> None:
    assert {name for body in RAW["rules"].values() if isinstance(body["code"], dict) for name in body["code"]} <= {
        one.name.lower() for one in Effect
    }
