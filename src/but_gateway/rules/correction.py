"""S: lines that take back part of an earlier position. Nothing else is asked about them; the caller mirrors the original's allocations."""

from but_gateway.kit.money import print_money
from but_gateway.rules.context import Context
from but_gateway.rules.examples import CORRECTION, fires, passes
from but_gateway.rules.facts import Corrected
from but_gateway.rules.rule import REJECT, rule
from but_gateway.rules.verdict import Effect, Finding


@rule(
    "S-03",
    effect=REJECT,
    condition="Die Berichtigung nennt eine Position, die es nicht gibt, oder nimmt mehr zurück, als für sie anerkannt ist.",
    basis="Rechnungskorrektur, § 31 (5) UStDV",
    examples=(
        fires("Die Position gibt es nicht.", CORRECTION, situation={"corrected": Corrected(found=False)}),
        fires("9,00 € zurück, anerkannt waren 4,50 €.", CORRECTION, situation={"claimed": -900}),
        fires("Schon berichtigt.", CORRECTION, situation={"corrected": Corrected(found=True, approved=450, corrected=450)}),
        passes("4,50 € zurück, anerkannt waren 4,50 €.", CORRECTION),
    ),
)
def more_than_approved(c: Context) -> Finding | None:
    """Σ corrections of a position ≤ what was approved for it."""
    corrected = c.situation.corrected
    if corrected is None:
        return None
    available = max(corrected.approved - corrected.corrected, 0) if corrected.found else 0
    if corrected.found and -c.situation.claimed <= available:
        return None
    return Finding("S-03", Effect.REJECT, {"available": print_money(available)})
