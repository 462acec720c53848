"""The periods as data: what is kept how long, on which ground, and whether a lawyer has to read it again."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Period:
    """One rule. ``months`` from the event, or ``years`` from the 1st of January after the adoption of the year's accounts."""

    rule: str
    title: str
    tables: tuple[str, ...]
    months: int | None
    years: int | None
    ground: str
    to_be_confirmed: bool = True  # by the town's lawyer: the paragraph, or the length where the law names none


_NEEDED: Final = "§ 84 SGB X, Art. 5 Abs. 1 Buchst. e DSGVO: nicht länger als für die Aufgabe nötig"
_BUDGET: Final = "Haushaltsrecht des Landes (in NRW: KomHVO NRW, Aufbewahrung von Unterlagen)"

PERIODS: Final = (
    Period("checks_confirmed", "Bestätigte Berechtigungsprüfungen", ("access_log",), 6, None, _NEEDED),
    Period("checks_failed", "Nicht bestätigte Berechtigungsprüfungen", ("access_log",), 3, None, _NEEDED),
    Period("tallies", "Zähler gegen das Ausprobieren", ("identity_tally",), 3, None, _NEEDED),
    Period("answers", "Antworten zu Idempotency-Keys (verschlüsselt)", ("idempotency_record",), 3, None, _NEEDED),
    Period("assertions", "Benutzte Anmeldebeweise", ("used_assertion",), 0, None, "nach Ablauf ohne Zweck", to_be_confirmed=False),
    Period("import_bodies", "Inhalte gescheiterter Bewilligungsimporte (verschlüsselt)", ("grant_import",), 1, None, _NEEDED),
    Period("import_reports", "Berichte der Bewilligungsimporte", ("grant_import",), 24, None, _NEEDED),
    Period("sweeps", "Erledigte Neubewertungen nach Registeränderungen", ("redecision",), 3, None, _NEEDED),
    Period("notices", "Erledigte Hinweise", ("notice",), 24, None, _NEEDED),
    Period(
        "vouchers",
        "Belege: Abrechnungen, Positionen, Entscheidungen, Bewilligungen, Kinder ohne solche",
        (
            "position_state", "lunch_slot", "lunch_month_slot", "used_proof", "review", "decision", "position", "invoice_line", "invoice",
            "provider_change", "grant_notification", "grant_version", "entitlement_grant", "family_payment", "provider_link",
            "number_freeze", "entitlement_number", "entitlement", "child",
        ),
        None,
        6,
        _BUDGET,
    ),
    Period(
        "books",
        "Bücher: Buchungen, Läufe, Zahlungen, Anordnungen, Pakete, Avise, Bankmeldungen, Prüfprotokoll",
        (
            "posting", "order_item", "payment_order", "remittance_position", "remittance", "payment_entry", "payment_report", "payment",
            "carried_forward", "package_part", "package_file", "batch_step", "settlement_batch", "audit_event",
        ),
        None,
        10,
        _BUDGET,
    ),
)  # fmt: skip
BY_RULE: Final = {period.rule: period for period in PERIODS}

# What no period touches, each with its reason. A test asks that every table stands here or above.
KEPT: Final = {
    "accounts_adoption": "sagt, bis wann aufbewahrt wird; ohne Personenbezug",
    "agreement": "Vereinbarung mit einem Anbieter: solange die Kommune sie führt",
    "agreement_price": "wie die Vereinbarung",
    "audit_checkpoint": "Nachweis der Unverändertheit; Prüfsummen, ohne Personenbezug",
    "audit_head": "wie audit_checkpoint",
    "audit_retirement": "Nachweis der Löschung; ohne Personenbezug",
    "audit_seal": "wie audit_checkpoint",
    "bank_account": "Register der Anbieter; Zahlungen der Bücher verweisen darauf",
    "change_counter": "laufende Nummer je Anbieter",
    "closing": "Register der Einrichtungen",
    "erasure": "Nachweis der Löschung, und wen eine zurückgespielte Sicherung noch einmal löschen muss; Zufallsnummer ohne Kind",
    "facility": "Register der Einrichtungen",
    "fact_part": "Teile der Tatsachen vieler Entscheidungen (Preise, Einstellungen, Zeiträume) ohne Verweis auf eine Person",
    "provider": "Register der Anbieter",
    "retention_count": "Nachweis der Löschung; Anzahlen",
    "settings": "Einstellungen der Kommune",
}
