"""What findings mean, in words. Every code has its line in docs/verify.md."""

from typing import Final

# Code → German, English. Places and files stand beside; nothing of a person is ever part of a text.
TEXTS: Final[dict[str, tuple[str, str]]] = {
    # files
    "unreadable": ("ist nicht lesbar oder nicht wohlgeformt", "cannot be read or is not well-formed"),
    "hash_differs": ("Prüfsumme (SHA-256) weicht ab", "the hash (SHA-256) differs"),
    "size_differs": ("Länge weicht vom Manifest ab", "the length is not the manifest's"),
    "not_canonical": ("ist nicht so geschrieben, wie das Gateway schreibt", "is not written as the gateway writes"),
    "name_wrong": ("Dateiname passt nicht zum Inhalt", "the file's name does not fit its content"),
    "listed_twice": ("Datei steht zweimal im Manifest", "a file is listed twice"),
    "not_listed": ("Datei fehlt im Manifest", "a file is missing from the manifest"),
    "package_wrong": ("Datei ist dem falschen Paket zugeordnet", "a file is listed under the wrong package"),
    "schema": ("entspricht nicht dem Schema pain.001.001.09", "does not fit the schema pain.001.001.09"),
    # sums
    "total_differs": ("Summe weicht von der des Laufs ab", "a sum is not the batch's"),
    "sum_wrong": ("Summe stimmt nicht mit ihren Teilen überein", "a sum is not that of its parts"),
    "count_wrong": ("Anzahl stimmt nicht", "a number of items is wrong"),
    "amount_differs": ("Betrag weicht von dem der anderen Datei ab", "an amount is not the other file's"),
    "allocations_sum": (
        "Anteile der Bewilligungen ergeben nicht den anerkannten Betrag",
        "the allocations do not come to the approved amount",
    ),
    "orders_sum": ("Anteile der Anordnungen ergeben nicht den anerkannten Betrag", "the orders' parts do not come to the approved amount"),
    # one thing, told twice
    "batch_differs": ("nennt einen anderen Lauf", "names another batch"),
    "moment_differs": ("nennt einen anderen Zeitpunkt", "names another moment"),
    "due_differs": ("Fälligkeiten weichen voneinander ab", "due dates differ"),
    "iban_differs": ("Kontoverbindung weicht ab", "an account differs"),
    "iban_wrong": ("Prüfziffern der Kontoverbindung sind falsch", "the check digits of an account are wrong"),
    "name_differs": ("Name des Empfängers weicht ab", "a payee's name differs"),
    "text_differs": ("Verwendungszweck oder Empfängerangabe weicht ab", "a remittance text or payee's data differ"),
    "currency_wrong": ("Währung ist nicht EUR", "a currency is not EUR"),
    "payment_missing": ("Zahlung fehlt oder ist zu viel", "a payment is missing or too many"),
    "payment_differs": ("Zahlung weicht ab", "a payment differs"),
    "order_missing": ("Anordnung fehlt", "an order is missing"),
    "order_differs": ("Anordnung weicht ab", "an order differs"),
    "order_mixed": ("Positionen einer Anordnung passen nicht zusammen", "positions of one order do not belong together"),
    "order_wrong": ("Reihenfolge ist nicht die geschriebene", "the order is not the one written"),
    "positions_missing": ("zu einer Anordnung fehlen die Positionen", "an order has no positions"),
    "twice": ("steht zweimal da", "stands there twice"),
    "row_missing": ("Zeile fehlt", "a row is missing"),
    "row_differs": ("Zeile weicht von Einzelposten.ndjson ab", "a row is not that of Einzelposten.ndjson"),
    "advice_missing": ("Avis zu einer Zahlung fehlt", "a payment has no advice"),
    "advice_incomplete": ("Avis liegt nicht als CSV und PDF vor", "an advice is not there as CSV and PDF"),
    "fingerprint_differs": ("Gesamtprüfsumme der Dateien weicht ab", "the fingerprint over all files differs"),
    # decisions
    "decision_wrong": ("Entscheidung, die nichts zahlt, steht im Lauf", "a decision that pays nothing stands in the batch"),
    "decision_differs": ("Neu entschieden ergibt sich anderes", "deciding again gives something else"),
    "findings_differ": ("Neu entschieden ergeben sich andere Befunde", "deciding again gives other findings"),
    "allocations_differ": ("Neu entschieden tragen andere Bewilligungen", "deciding again, other grants pay"),
    "facts_differ": ("Tatsachen passen nicht zur Position", "the facts are not those of the position"),
    "facts_missing": ("Tatsachen fehlen", "the facts are missing"),
    "legal_basis_differs": ("Anordnungen und Bewilligungen nennen andere Rechtskreise", "orders and allocations name other legal bases"),
    "days_wrong": ("letzter Tag liegt vor dem ersten", "the last day lies before the first"),
    "more_than_claimed": ("mehr anerkannt als gefordert", "more was approved than claimed"),
    "correction_wrong": ("negative Position nennt nicht, was sie berichtigt", "a negative position names nothing it corrects"),
    # notes
    "unknown_file": ("gehört nicht zu einem Paket", "belongs to no package"),
    "file_absent": ("steht im Manifest und liegt nicht vor; nicht geprüft", "is listed but not here; not checked"),
    "no_manifest": ("liegt nicht vor; Prüfsummen sind nicht geprüft", "is not here; hashes were not checked"),
    "other_profile": (
        "anderes Schnittstellenprofil; nur die Prüfsumme ist geprüft",
        "another interface profile; only its hash was checked",
    ),
    "other_rule_set": ("Positionen eines anderen Regelstands: nicht neu entschieden", "positions of another rule set: not decided again"),
    "by_person": ("Positionen von Menschen entschieden: nicht neu entschieden", "positions decided by people: not decided again"),
    "perhaps_repeats": (
        "ohne Positionen: vermutlich Wiederholung einer zurückgekommenen Zahlung; Zahlungen.xlsx sagt es",
        "without positions: probably the repeat of a returned payment; Zahlungen.xlsx tells",
    ),
    # database
    "invariant": ("Invariante verletzt", "an invariant is violated"),
    "seal_missing": ("Siegel fehlt", "a seal is missing"),
    "seal_changed": ("Siegel wurde verändert", "a seal was changed"),
    "seal_contradicts": ("Siegel passt nicht zu seinen Zeilen", "a seal does not fit its rows"),
    "sealed_twice": ("Bereich ist zweimal versiegelt", "a range is sealed twice"),
    "head_changed": ("Kopf der Kette passt nicht zur Kette", "the head of the chain does not fit it"),
    "checkpoint_missing": ("Prüfpunkt fehlt", "a checkpoint is missing"),
    "checkpoint_contradicts": (
        "Prüfpunkt widerspricht der Kette: Vergangenes wurde umgeschrieben",
        "a checkpoint contradicts the chain: the past was rewritten",
    ),
    "checkpoint_signature": ("Unterschrift eines Prüfpunkts hält nicht", "the signature of a checkpoint does not hold"),
    "row_changed": ("versiegelte Zeile wurde verändert oder eingefügt", "a sealed row was changed or put in"),
    "row_unsealed": ("Zeile liegt außerhalb aller Siegel", "a row lies outside of all seals"),
    "part_changed": ("gespeicherter Teil von Tatsachen wurde verändert", "a stored part of facts was changed"),
    "file_changed": ("gespeicherte Paketdatei wurde verändert", "a stored file of a package was changed"),
    "signatures_unchecked": ("Unterschriften nicht geprüft: kein Hauptschlüssel", "signatures were not checked: no master key"),
    "files_unchecked": (
        "Dateien von Läufen nicht geprüft: kein Hauptschlüssel",
        "files of batches were not checked: no master key",
    ),
    "not_yet_sealed": ("Zeilen sind noch nicht versiegelt", "rows are not yet sealed"),
    "sealed_late": ("Zeilen wurden verspätet versiegelt", "rows were sealed late"),
    "retired": ("Zeilen sind absichtlich gelöscht", "rows were deleted on purpose"),
    "partial_sight": (
        "nicht als Superuser: Antworten zu Idempotenzschlüsseln ungeprüft",
        "not as a superuser: answers to idempotency keys were not checked",
    ),
}


def text_of(code: str, language: str) -> str:
    """What a code means."""
    german, english = TEXTS[code]
    return english if language == "en" else german
