"""What ``but-gateway verify PACKAGE`` does and prints."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from but_gateway.cli.report import CommandError, Exit, say, say_json
from but_gateway.kit.money import print_euro_de, print_money
from but_gateway.procedures.verification.model import Finding, Findings
from but_gateway.procedures.verification.opening import NoPackageError
from but_gateway.procedures.verification.texts import text_of
from but_gateway.procedures.verification.verify_package import PackageReport, verify_package

WORDS: Final = {
    "de": {
        "ok": "In Ordnung", "bad": "{count} Abweichungen", "more": "… und {count} weitere", "note": "Hinweis", "finding": "FEHLER",
        "batch": "Lauf", "files": "Dateien", "net": "Zahlbetrag", "payments": "Zahlungen", "orders": "Anordnungen",
        "positions": "Positionen", "recomputed": "davon neu entschieden",
    },
    "en": {
        "ok": "All holds", "bad": "{count} violations", "more": "… and {count} more", "note": "note", "finding": "FAULT",
        "batch": "Batch", "files": "Files", "net": "To pay", "payments": "Payments", "orders": "Orders",
        "positions": "Positions", "recomputed": "of these decided again",
    },
}  # fmt: skip


def run(path: Path, language: str, *, as_json: bool) -> bool:
    """Checks and prints; answers whether everything holds."""
    try:
        report = verify_package(path)
    except NoPackageError as error:
        raise CommandError(str(error), Exit.USAGE) from None
    if as_json:
        say_json(document(report, language))
    else:
        _print(report, language)
    return report.findings.violations == 0


def document(report: PackageReport, language: str) -> dict[str, Any]:
    """The report in contract form."""
    return {
        "ok": report.findings.violations == 0,
        "batch": report.batch,
        "files": list(report.files),
        "net": None if report.net is None else print_money(report.net),
        "payments": report.payments,
        "orders": report.orders,
        "positions": report.positions,
        "recomputed": report.recomputed,
        "by_person": report.by_person,
        "of_other_rule_sets": report.other_rule_set,
        **findings_document(report.findings, language),
    }


def findings_document(findings: Findings, language: str) -> dict[str, Any]:
    """Findings in contract form: how many there are in all, and those that were kept."""
    return {
        "violations": findings.violations,
        "counts": dict(sorted(findings.counts.items())),
        "findings": [
            {"code": f.code, "kind": "note" if f.note else "violation", "file": f.file, "place": f.place, "text": text_of(f.code, language)}
            for f in findings.kept
        ],
    }


def _print(report: PackageReport, language: str) -> None:
    words = WORDS[language]
    facts = [
        ("batch", report.batch), ("files", ", ".join(report.files)), ("net", None if report.net is None else print_euro_de(report.net)),
        ("payments", report.payments), ("orders", report.orders), ("positions", report.positions), ("recomputed", report.recomputed),
    ]  # fmt: skip
    for name, value in facts:
        if value is not None:
            say(f"{words[name]}: {value}")
    print_findings(report.findings, language)


def print_findings(findings: Findings, language: str) -> None:
    """Every finding with its place, violations first; then the verdict."""
    words = WORDS[language]
    for finding in _in_order(findings.kept):
        where = " ".join(part for part in (finding.file, finding.place) if part)
        say(f"{words['note' if finding.note else 'finding']} [{finding.code}] {where}: {text_of(finding.code, language)}")
    hidden = sum(findings.counts.values()) - len(findings.kept)
    if hidden:
        say(words["more"].format(count=hidden))
    say(words["bad"].format(count=findings.violations) if findings.violations else words["ok"])


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: one.note)
