"""How each table of a town is reached from a child, or why it holds nothing of one. A test asks that every table stands in one of the two.

Conditions speak of ``t`` and of the parameters that ``store.py`` binds: $1 the town, then the fields of ``model.Person`` by name.
"""

from dataclasses import dataclass
from typing import Final

from but_gateway.procedures.privacy.model import Person

# In this order they are the parameters $2, $3 …
PARAMETERS: Final = (
    "ids", "child_keys", "entitlements", "entitlement_keys", "grants", "grant_keys", "number_indexes", "lines", "invoices", "positions",
    "parts", "texts",
)  # fmt: skip
TYPES: Final = {
    "ids": "uuid[]", "child_keys": "text[]", "entitlements": "uuid[]", "entitlement_keys": "text[]", "grants": "uuid[]",
    "grant_keys": "text[]", "number_indexes": "bytea[]", "lines": "uuid[]", "invoices": "uuid[]", "positions": "uuid[]",
    "parts": "bytea[]", "texts": "text[]",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reach:
    """A table with rows about a child. ``leave_out``: columns that say nothing of the child, or something of others."""

    table: str
    title: str
    condition: str
    leave_out: frozenset[str] = frozenset()


def _any(column: str, name: str) -> str:
    return f"t.{column} = ANY(${PARAMETERS.index(name) + 2}::{TYPES[name]})"


def parameters_of(person: Person) -> list[object]:
    """The values of the parameters. ``texts``: everything by which notices and the audit record may name the child."""
    ids = (*person.ids, *person.entitlements, *person.grants, *person.positions)
    texts = [*map(str, ids), *person.child_keys, *person.entitlement_keys]
    return [texts if name == "texts" else list(getattr(person, name)) for name in PARAMETERS]


REACHES: Final = (
    Reach("child", "Kind", _any("id", "ids"), frozenset({"same_child_index"})),
    Reach("entitlement", "Berechtigungen", _any("id", "entitlements")),
    Reach("entitlement_number", "Berechtigungsnummern", _any("entitlement_id", "entitlements"), frozenset({"number_index"})),
    Reach("entitlement_grant", "Bewilligungen", _any("id", "grants")),
    Reach("grant_version", "Stände der Bewilligungen", _any("grant_id", "grants")),
    Reach("grant_notification", "Wann Anbieter von wegfallenden Tagen erfuhren", _any("grant_id", "grants")),
    Reach("grant_import", "Bewilligungsimporte, die das Kind nennen", (
        f"EXISTS (SELECT FROM unnest(${PARAMETERS.index('entitlement_keys') + 2}::text[] || ${PARAMETERS.index('grant_keys') + 2}::text[] "
        f"|| ${PARAMETERS.index('child_keys') + 2}::text[]) k WHERE strpos(t.report::text, to_json(k)::text) > 0)"
    ), frozenset({"report", "rows"})),
    Reach("family_payment", "Von der Familie selbst gezahlt", _any("entitlement_id", "entitlements")),
    Reach("provider_link", "Anbieter, die das Kind kennen", _any("entitlement_id", "entitlements")),
    Reach("number_freeze", "Falsche Geburtsdaten zu einer Nummer", _any("entitlement_id", "entitlements")),
    Reach("access_log", "Berechtigungsprüfungen", _any("entitlement_id", "entitlements")),
    Reach("invoice", "Abrechnungen, in denen das Kind vorkommt", _any("id", "invoices"), frozenset({"iban", "total", "iban_differs"})),
    Reach("invoice_line", "Zeilen der Abrechnungen", _any("id", "lines"), frozenset({"number_index"})),
    Reach("position", "Positionen", _any("id", "positions")),
    Reach("position_state", "Stand der Positionen", _any("position_id", "positions")),
    Reach("decision", "Entscheidungen", _any("position_id", "positions")),
    Reach("fact_part", "Tatsachen, auf denen Entscheidungen beruhen", _any("hash", "parts")),
    Reach("review", "Klärfälle", _any("position_id", "positions")),
    Reach("lunch_slot", "Belegte Tage (Mittagessen)", _any("child_id", "ids")),
    Reach("lunch_month_slot", "Belegte Monate (Mittagessen)", _any("child_id", "ids")),
    Reach("used_proof", "Benutzte Nachweise", _any("position_id", "positions")),
    Reach("posting", "Buchungen", f"({_any('position_id', 'positions')} OR {_any('grant_id', 'grants')})"),
    Reach("order_item", "Anordnungen, in denen Positionen stehen", _any("position_id", "positions")),
    Reach("remittance_position", "Zahlungsavise, in denen Positionen stehen", _any("position_id", "positions")),
    Reach("provider_change", "Mitteilungen an Anbieter", f"t.subject_type = 'child' AND {_any('subject_id', 'ids')}"),
    Reach("notice", "Hinweise für das Amt", _any("subject_id", "texts")),
    Reach("audit_event", "Prüfprotokoll", _any("object_id", "texts"), frozenset({"payload_hash"})),
    Reach("erasure", "Löschung", _any("child_id", "ids")),
)  # fmt: skip

NOTHING: Final = {
    "accounts_adoption": "Feststellung von Jahresabschlüssen",
    "agreement": "Vereinbarungen mit Anbietern",
    "agreement_price": "Preise aus Vereinbarungen",
    "audit_checkpoint": "Prüfsummen",
    "audit_head": "Prüfsummen",
    "audit_retirement": "Zeiträume gelöschter Zeilen",
    "audit_seal": "Prüfsummen",
    "bank_account": "Konten der Anbieter",
    "batch_step": "Schritte der Läufe; Begründungen zu Zahlungen an Anbieter",
    "carried_forward": "Salden der Anbieter",
    "change_counter": "laufende Nummern je Anbieter",
    "closing": "Schließtage",
    "facility": "Einrichtungen",
    "identity_tally": "Zähler je Zugang, ohne Kind",
    "package_file": "Verzeichnis der Dateien eines Laufs; welche Läufe das Kind betreffen, steht in der Auskunft",
    "package_part": "Dateien der Läufe: sie wiederholen die hier genannten Positionen; welche Läufe es sind, steht in der Auskunft",
    "payment": "Summen je Anbieter",
    "payment_entry": "Meldungen der Bank zu Zahlungen an Anbieter",
    "payment_order": "Summen je Anbieter, Rechtskreis und Jahr",
    "payment_report": "Meldungen der Bank",
    "provider": "Anbieter",
    "redecision": "Beschreibungen geänderter Register, ohne Kind",
    "remittance": "Summen je Anbieter",
    "retention_count": "Anzahlen gelöschter Zeilen",
    "settings": "Einstellungen der Kommune",
    "settlement_batch": "Läufe",
}
