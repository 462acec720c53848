"""What a provider is told of a position at hand-over, in words. Pure: the decision that was kept in, public codes and texts out."""

from collections.abc import Mapping
from typing import Any, Final

from but_gateway.formats.remittance import AdvisedPosition, Correction, Reason
from but_gateway.registers.invoices.model import PositionView
from but_gateway.registers.invoices.store import read_findings
from but_gateway.registers.invoices.view import show_findings
from but_gateway.registers.providers.agreement_schemas import BENEFIT_NAMES
from but_gateway.rules.verdict import Outcome
from but_gateway.rules.wording import Lang, amount_in_words

_STRENGTH: Final = {"reject": 3, "review": 2, "reduce": 1, "note": 0}
# A decision without a reason a provider may read: the amounts, and where to ask.
_BARE: Final[Mapping[Lang, Mapping[str, str]]] = {
    "de": {
        "review": "Wir prüfen die {claimed} noch.",
        "nothing": "Wir bezahlen die {claimed} nicht.",
        "part": "Wir bezahlen {approved} statt {claimed}.",
        "next_step": "Erheben Sie zu dieser Zeile einen Einwand, wenn Sie das anders sehen.",
        "wait": "Sie müssen nichts tun. Wir teilen Ihnen die Entscheidung von uns aus mit.",
    },
    "en": {
        "review": "We are still checking the {claimed}.",
        "nothing": "We do not pay the {claimed}.",
        "part": "We pay {approved} instead of {claimed}.",
        "next_step": "Raise an objection to this line if you see it differently.",
        "wait": "You need not do anything. We tell you the decision by ourselves.",
    },
}


def advised(row: Mapping[str, Any], language: Lang) -> AdvisedPosition:
    """A row of ``remittance_store`` as it is told."""
    correction = None
    if row["corrected_line"] is not None:
        correction = Correction(row["corrected_invoice"], row["corrected_line"], row["previous"])
    return AdvisedPosition(
        invoice=row["invoice"],
        line_no=row["line_no"],
        form=row["form"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        benefit=row["benefit"],
        benefit_name=BENEFIT_NAMES[row["benefit"]],
        decision=row["outcome"],
        claimed=row["claimed"],
        approved=row["approved"],
        correction=correction,
        reasons=() if row["findings"] is None else _reasons(row, language),
    )


def _reasons(row: Mapping[str, Any], language: Lang) -> tuple[Reason, ...]:
    """Why it is not paid in full, the decisive reason first; one at least."""
    view = PositionView(
        id=row["position_id"],
        form=row["form"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        claimed=row["claimed"],
        outcome=Outcome(row["outcome"]),
        approved=row["approved"],
        proposed=row["proposed"],
        findings=read_findings(row["findings"]),
        shares=(),
    )
    found = sorted(show_findings(view, language, staff=False), key=lambda finding: -_STRENGTH[finding["effect"]])
    decisive = [finding for finding in found if finding["effect"] != "note"] or found
    return tuple(Reason(f["code"], f["text"], f["next_step"]) for f in decisive) or (_bare(view, language),)


def _bare(view: PositionView, language: Lang) -> Reason:
    texts = _BARE[language]
    in_review = view.outcome is Outcome.REVIEW
    name = "review" if in_review else "part" if view.approved else "nothing"
    text = texts[name].format(claimed=amount_in_words(view.claimed, language), approved=amount_in_words(view.approved, language))
    return Reason(None, text, texts["wait" if in_review else "next_step"])
