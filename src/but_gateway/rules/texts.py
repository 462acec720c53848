"""The texts people read about decisions, from reasons.yaml: for clerks by rule, for providers by public code.

Values come in contract form ("22.50", "2026-11-05", "2026-10", "360"), by the names reasons.yaml declares for the rule, and
are put into words here. A provider's text never holds a value the rule does not list under ``provider_values``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from but_gateway.kit.money import parse_money
from but_gateway.kit.period import Month
from but_gateway.rules.verdict import Effect, Outcome
from but_gateway.rules.wording import KINDS, Lang, Sentence, When, amount_in_words, when_in_words

REASONS_FILE: Final = Path(__file__).with_name("reasons.yaml")
# Placeholders that every provider text may use besides the rule's own values.
IMPLICIT: Final = frozenset({"result", "claimed", "approved", "when", "When", "for_when", "For_when"})
_DAY_LENGTH: Final = len("2026-11-05")
_CACHE_SIZE: Final = 8192


class UnknownReason(LookupError):  # noqa: N818 - names what is unknown, as KeyError's heirs do
    """No such rule, or a rule that is never shown to providers."""


class WrongValues(ValueError):  # noqa: N818 - names what is wrong
    """The values of a finding are not those that reasons.yaml declares for its rule."""


@dataclass(frozen=True, slots=True)
class ProviderText:
    """What a provider reads of one finding. ``bearer`` of the difference: provider, family, other_payer, open, or None."""

    code: str
    text: str
    next_step: str
    bearer: str | None
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RefusalText:
    """Text and next step: what a provider reads when a whole invoice is refused."""

    text: str
    next_step: str


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """The texts of a rule as they stand in the catalogue, with their placeholders: for the rule's page, which only staff see."""

    codes: tuple[str, ...]
    values: Mapping[str, str]
    clerk: str
    provider: tuple[RefusalText, ...]


@dataclass(frozen=True, slots=True)
class CodeExample:
    """One finding as a provider would get it. ``when`` is a day or a month in contract form."""

    claimed: str
    approved: str
    when: str
    text: str
    next_step: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One row of the published list of codes."""

    code: str
    title: str
    description: str
    bearer: str | None
    example: CodeExample


@dataclass(frozen=True, slots=True)
class Advice:
    """Text and next step in one language."""

    text: Sentence
    next_step: Sentence


@dataclass(frozen=True, slots=True)
class Code:
    """A public code. ``uniform``: the same text whatever the rule, because a rule's own text would tell the cause.

    ``refused``: what is said instead where the position is refused anyway, because nothing is left open then.
    """

    code: str
    bearer: str | None
    uniform: bool
    title: Mapping[Lang, str]
    description: Mapping[Lang, str]
    provider: Mapping[Lang, Advice]
    refused: Mapping[Lang, Advice]
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """The texts of one rule. ``codes``: the public code by effect; None in it = internal with that effect."""

    rule: str
    codes: Mapping[Effect, str | None]
    kinds: Mapping[str, str]
    optional: frozenset[str]
    one_of: frozenset[str]
    provider_values: tuple[str, ...]
    clerk: Mapping[Lang, Sentence]
    provider: Mapping[Lang, Advice] | None
    refusal: Mapping[Lang, Advice] | None

    def check(self, values: Mapping[str, str]) -> None:
        """Refuses values that are not those declared (WrongValues)."""
        given = values.keys()
        missing = self.kinds.keys() - self.optional - given
        unknown = given - self.kinds.keys()
        if missing or unknown or (self.one_of and len(self.one_of & given) != 1):
            raise WrongValues(f"{self.rule}: {sorted(given)} given, {dict(self.kinds)} declared")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of reasons.yaml, compiled."""

    results: Mapping[str, Mapping[Lang, Sentence]]
    words: Mapping[str, Mapping[str, Mapping[Lang, str]]]
    codes: Mapping[str, Code]
    reasons: Mapping[str, Reason]

    def reason(self, rule_id: str) -> Reason:
        """The texts of a rule. Refuses an unknown one (UnknownReason)."""
        found = self.reasons.get(rule_id)
        if found is None:
            raise UnknownReason(f"no texts for {rule_id}")
        return found


def _advices(raw: Mapping[Lang, Mapping[str, str]]) -> dict[Lang, Advice]:
    return {lang: Advice(Sentence.compile(one["text"]), Sentence.compile(one["next_step"])) for lang, one in raw.items()}


def _reason(rule_id: str, raw: Mapping[str, Any]) -> Reason:
    code, values = raw["code"], raw.get("values", {})
    by_effect = {Effect[name.upper()]: one for name, one in code.items()} if isinstance(code, dict) else dict.fromkeys(Effect, code)
    return Reason(
        rule=rule_id,
        codes=by_effect,
        kinds={name: kind.removesuffix("?") for name, kind in values.items()},
        optional=frozenset(name for name, kind in values.items() if kind.endswith("?")),
        one_of=frozenset(raw.get("one_of", ())),
        provider_values=tuple(raw.get("provider_values", ())),
        clerk={lang: Sentence.compile(text) for lang, text in raw["clerk"].items()},
        provider=_advices(raw["provider"]) if "provider" in raw else None,
        refusal=_advices(raw["refusal"]) if "refusal" in raw else None,
    )


@cache
def catalogue() -> Catalogue:
    """The compiled catalogue; read once per process, at the first text."""
    raw = yaml.safe_load(REASONS_FILE.read_text(encoding="utf-8"))
    codes = {
        name: Code(
            code=name,
            bearer=one["bearer"],
            uniform=one.get("uniform", False),
            title=one["title"],
            description=one["description"],
            provider=_advices(one["provider"]),
            refused=_advices(one.get("refused", {})),
            example=one["example"],
        )
        for name, one in raw["codes"].items()
    }
    results = {name: {lang: Sentence.compile(text) for lang, text in one.items()} for name, one in raw["results"].items()}
    return Catalogue(results, raw["words"], codes, {name: _reason(name, one) for name, one in raw["rules"].items()})


@lru_cache(maxsize=_CACHE_SIZE)
def _word(kind: str, value: str, lang: Lang) -> str:
    in_words = KINDS.get(kind)
    if in_words is not None:
        return in_words(value, lang)
    # A kind that is a list of words; what is not in the list (an older town's word) is shown as it came.
    known = catalogue().words[kind].get(value)
    return value if known is None else known[lang]


def clerk_text(rule_id: str, values: Mapping[str, str], lang: Lang) -> str:
    """What staff read of a finding.

    Refuses an unknown rule (UnknownReason) and values other than those declared (WrongValues).
    """
    reason = catalogue().reason(rule_id)
    reason.check(values)
    return reason.clerk[lang].fill({name: _word(reason.kinds[name], value, lang) for name, value in values.items()})


def public_code(rule_id: str, effect: Effect | None = None) -> str | None:
    """The code a provider sees for a finding of this rule, None when the finding is internal.

    Some rules have another code by effect (M-06, D-01, T-rules); without one, that of the strongest effect.
    Refuses an unknown rule (UnknownReason).
    """
    codes = catalogue().reason(rule_id).codes
    return codes[max(codes)] if effect is None else codes.get(effect)


def provider_finding_text(  # noqa: PLR0913, PLR0917 - what a sentence about a finding needs; the last two by name
    rule_id: str,
    values: Mapping[str, str],
    claimed_cents: int,
    approved_cents: int,
    when: When,
    lang: Lang,
    *,
    effect: Effect | None = None,
    outcome: Outcome | None = None,
) -> ProviderText:
    """What the provider reads of a finding: result, why with the value, what to do.

    ``claimed_cents`` and ``approved_cents`` are those of the position or line; ``when`` its day, month, range, or number of days.
    ``outcome`` is the decision of the position: under review the text says so and not that nothing is paid. Without an outcome
    a finding with effect review counts as one.
    Refuses an unknown or internal rule (UnknownReason) and values other than those declared (WrongValues).
    """
    book = catalogue()
    reason = book.reason(rule_id)
    reason.check(values)
    code = book.codes.get(public_code(rule_id, effect) or "")
    if code is None:
        raise UnknownReason(f"{rule_id} is not shown to providers")
    shown = {} if code.uniform else {name: values[name] for name in reason.provider_values if name in values}
    in_review = outcome is Outcome.REVIEW or (outcome is None and effect is Effect.REVIEW)
    words = {name: _word(reason.kinds[name], value, lang) for name, value in shown.items()}
    words |= _amounts(claimed_cents, approved_cents, in_review, lang)
    words |= when_in_words(when, lang)
    refused = code.refused.get(lang) if outcome is Outcome.REJECTED else None
    advice = refused or _advice(reason, code, lang)
    return ProviderText(code.code, advice.text.fill(words), advice.next_step.fill(words), code.bearer, MappingProxyType(shown))


def _advice(reason: Reason, code: Code, lang: Lang) -> Advice:
    # A uniform code never speaks in a rule's own words: they would tell the cause.
    return code.provider[lang] if code.uniform or reason.provider is None else reason.provider[lang]


@lru_cache(maxsize=_CACHE_SIZE)
def _amounts(claimed: int, approved: int, in_review: bool, lang: Lang) -> dict[str, str]:  # noqa: FBT001 - part of the cache key
    # Corrections are negative; people read them as an amount that is set off.
    correction = claimed < 0
    if in_review:
        name = "correction_review" if correction else "review"
    elif approved == claimed:
        name = "correction_full" if correction else "full"
    elif approved:
        name = "part"
    else:
        name = "correction_nothing" if correction else "nothing"
    plain = {"claimed": amount_in_words(abs(claimed), lang), "approved": amount_in_words(abs(approved), lang)}
    return {
        "claimed": amount_in_words(claimed, lang),
        "approved": amount_in_words(approved, lang),
        "result": catalogue().results[name][lang].fill(plain),
    }


def refusal_text(rule_id: str, values: Mapping[str, str], lang: Lang) -> RefusalText:
    """What the provider reads when this rule refuses the whole invoice (H-01, H-02, H-03, H-05, P-02).

    Refuses a rule that decides positions (UnknownReason) and values other than those declared (WrongValues).
    """
    reason = catalogue().reason(rule_id)
    if reason.refusal is None:
        raise UnknownReason(f"{rule_id} does not refuse invoices")
    reason.check(values)
    words = {name: _word(reason.kinds[name], values[name], lang) for name in reason.provider_values}
    advice = reason.refusal[lang]
    return RefusalText(advice.text.fill(words), advice.next_step.fill(words))


@cache
def code_list(lang: Lang) -> tuple[CodeEntry, ...]:
    """The published list of codes with an example each (``GET /v1/code-lists/codes``)."""
    return tuple(_code_entry(code, lang) for code in catalogue().codes.values())


def _code_entry(code: Code, lang: Lang) -> CodeEntry:
    raw = code.example
    day_or_month: str = raw["when"]
    shown = provider_finding_text(
        raw["rule"],
        raw.get("values", {}),
        parse_money(raw["claimed"]),
        parse_money(raw["approved"]),
        date.fromisoformat(day_or_month) if len(day_or_month) == _DAY_LENGTH else Month.parse(day_or_month),
        lang,
        effect=Effect[raw["effect"].upper()] if "effect" in raw else None,
    )
    example = CodeExample(raw["claimed"], raw["approved"], day_or_month, shown.text, shown.next_step, shown.values)
    return CodeEntry(code.code, code.title[lang], code.description[lang], code.bearer, example)


def rules_with_code() -> Mapping[str, tuple[str, ...]]:
    """The rules behind each public code: for filters and pages of staff, never for providers."""
    found: dict[str, list[str]] = {code: [] for code in catalogue().codes}
    for rule_id, reason in catalogue().reasons.items():
        for code in sorted({one for one in reason.codes.values() if one is not None}):
            found[code].append(rule_id)
    return {code: tuple(rules) for code, rules in found.items()}


def rule_texts(rule_id: str, lang: Lang) -> RuleTexts:
    """The texts of a rule for its page: public codes, names and kinds of values, the clerk's text, what a provider may read.

    Refuses an unknown rule (UnknownReason).
    """
    book = catalogue()
    reason = book.reason(rule_id)
    codes = [book.codes[code] for code in sorted({one for one in reason.codes.values() if one is not None})]
    advices = [_advice(reason, code, lang) for code in codes]
    if reason.refusal is not None:
        advices.append(reason.refusal[lang])
    provider = tuple(RefusalText(one.text.template, one.next_step.template) for one in advices)
    return RuleTexts(tuple(code.code for code in codes), reason.kinds, reason.clerk[lang].template, provider)


def declared_values(rule_id: str) -> Mapping[str, str]:
    """The names of a rule's values with their kinds; findings must carry exactly these. Refuses an unknown rule (UnknownReason)."""
    return catalogue().reason(rule_id).kinds
