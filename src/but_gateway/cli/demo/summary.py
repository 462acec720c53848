"""What the demo says in the end: figures, files, addresses, logins, and a call that works unchanged."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console, Group
from rich.table import Table

from but_gateway.cli.demo.cards import BORN, CARDS, FACILITY
from but_gateway.cli.demo.logins import AUDITOR, CATERER, CLERK, DEPUTY, FINANCE, ORDERER, REGISTRAR, TUTOR, secret_of
from but_gateway.cli.demo.places import KEY, NAME
from but_gateway.cli.demo.playing import Played
from but_gateway.cli.demo.stages import OUTCOMES
from but_gateway.kit.money import print_euro_de, print_money

CLIENTS: Final = (CATERER, TUTOR, REGISTRAR, CLERK, FINANCE, DEPUTY, ORDERER, AUDITOR)
_GERMAN: Final = {"accepted": "anerkannt", "reduced": "gekürzt", "rejected": "abgelehnt", "review": "Klärfall"}
_WIDTH: Final = 98


def document(played: Played, base_url: str, folder: Path, seconds: float) -> dict[str, Any]:
    """The summary for machines; amounts as in the API."""
    decided = played.decided
    return {
        "municipality": KEY,
        "children": played.children,
        "facilities": played.facilities,
        "caterers": played.caterers,
        "tutors": played.tutors,
        "grants": played.grants,
        "checks": {"count": played.entitlements, "confirmed": played.confirmed, "per_second": _speed(played, "checks")},
        "invoices": decided.invoices,
        "positions": {"count": decided.positions, "per_second": _speed(played, "invoices")},
        "outcomes": {
            name: {
                "positions": decided.counts[name],
                "claimed": print_money(decided.claimed[name]),
                "approved": print_money(decided.approved[name]),
            }
            for name in OUTCOMES
        },
        "totals": {name: print_money(decided.sums[name]) for name in ("claimed", "approved", "in_review", "refused")},
        "reviews": {"resolved": played.reviews_resolved, "open": played.reviews_open},
        "batches": [
            {
                "number": batch.number,
                "gross": print_money(batch.gross),
                "receipts": print_money(batch.receipts),
                "net": print_money(batch.net),
                "payments": batch.payments,
                "held": batch.held,
                "orders": batch.orders,
                "positions": batch.positions,
                "recomputed": batch.recomputed,
                "sums": {name: print_money(cents) for name, cents in batch.sums.items()},
                "files": [str(path) for path in batch.files],
            }
            for batch in played.batches
        ],
        "reconciled": played.reconciled and asdict(played.reconciled) | {"paid": print_money(played.reconciled.paid)},
        "requests": played.requests,
        "folder": str(folder),
        "urls": urls(played, base_url),
        "clients": [{"client_id": client, "client_secret": secret_of(client)} for client in CLIENTS],
        "curl": curl(base_url),
        "seconds": round(seconds, 1),
    }


def urls(played: Played, base_url: str) -> list[str]:
    """Where to look on: the docs, the health, and (with a token) the first caterer's invoice."""
    return [f"{base_url}/docs", f"{base_url}/health/ready", f"{base_url}/v1/municipalities/{KEY}/invoices/{played.decided.ids[0]}"]


def curl(base_url: str) -> str:
    """A check of a test card: works unchanged while the demo serves, today and in years."""
    token = (
        f"$(curl -s -u {CATERER}:{secret_of(CATERER)} -d grant_type=client_credentials {base_url}/oauth2/token"
        """ | sed 's/.*"access_token": *"//; s/".*//')"""
    )
    body = (
        f'{{"benefit": "lunch", "entitlement_number": "TEST-OK", "date_of_birth": "{BORN}", '
        f'"from": "2026-11-02", "to": "2026-11-30", "facility": "{FACILITY}"}}'
    )
    return (
        f'curl -s {base_url}/v1/municipalities/{KEY}/eligibility-checks -H "Authorization: Bearer {token}" \\\n'
        f"  -H 'Test-Clock: 2026-11-02T10:00:00Z' -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )


def show(played: Played, base_url: str, seconds: float) -> None:
    """The summary for people, on standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    console.print(Group("", _figures(played), ""))
    for batch in played.batches:
        agree = ", ".join(batch.sums)
        console.print(f"[green]✓[/] Lauf {batch.number}: {print_euro_de(batch.net)} stimmen auf den Cent überein ({agree})", soft_wrap=True)
        console.print(f"  {batch.files[0].parent}/: {_whole(batch.recomputed)} Entscheidungen allein daraus nachgerechnet", soft_wrap=True)
    console.print(f"\nFertig in {seconds:.0f} s, {played.requests} Anfragen über HTTP. Weiter geht es hier:", soft_wrap=True)
    for text, url in zip(("API und Anleitung", "Bereitschaft", "Eine Abrechnung"), urls(played, base_url), strict=True):
        console.print(f"  {text.ljust(18)} {url}", soft_wrap=True)
    console.print("\nZugänge (client_id, client_secret):")
    for client in CLIENTS:
        console.print(f"  {client.ljust(18)} {secret_of(client)}")
    console.print(f"\nTestkarten von demo-caterer (geboren {BORN}, Einrichtung {FACILITY}): {', '.join(CARDS)}", soft_wrap=True)
    console.print(f"\n{curl(base_url)}\n", soft_wrap=True, markup=False)


def _figures(played: Played) -> Table:
    decided = played.decided
    table = Table(title=f"{NAME}, Oktober 2026", box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("")
    table.add_column("Anzahl", justify="right")
    table.add_column("Betrag", justify="right")
    table.add_column("")
    table.add_row("Kinder", _whole(played.children), "", f"{_whole(played.grants)} Bewilligungen")
    table.add_row("Einrichtungen", _whole(played.facilities), "", "Kalender von Nordrhein-Westfalen")
    table.add_row("Anbieter", _whole(played.caterers + played.tutors), "", f"{played.caterers} Caterer, {played.tutors} Lernförderung")
    speed = _whole(_speed(played, "checks"))
    table.add_row("Berechtigungsprüfungen", _whole(played.entitlements), "", f"{_whole(played.confirmed)} bestätigt, {speed}/s")
    table.add_row("Abrechnungen", _whole(decided.invoices), print_euro_de(decided.sums["claimed"]), "")
    speed = _whole(_speed(played, "invoices"))
    table.add_row("Positionen", _whole(decided.positions), "", f"beim Eingang entschieden, {speed}/s")
    for name in OUTCOMES:
        paid = f"davon bezahlt {print_euro_de(decided.approved[name])}" if name == "reduced" else ""
        table.add_row(f"  {_GERMAN[name]}", _whole(decided.counts[name]), print_euro_de(decided.claimed[name]), paid)
    left = f"{_whole(played.reviews_open)} bleiben für Sie"
    table.add_row("Klärfälle entschieden", _whole(played.reviews_resolved), "", left)
    for batch in played.batches:
        told = f"{_count(batch.payments, 'Zahlung')}, {_count(batch.orders, 'Anordnung')}, {batch.held} angehalten"
        table.add_row(f"Lauf {batch.number}", _whole(batch.positions), print_euro_de(batch.gross), told)
        if batch.receipts:
            table.add_row("  abgesetzt", "", print_euro_de(-batch.receipts), "Rechnungskorrektur")
            table.add_row("  auszuzahlen", "", print_euro_de(batch.net), "")
    bank = played.reconciled
    if bank is not None:
        told = f"alle zugeordnet, {bank.returned} Rückläufer"
        table.add_row("Kontoauszug", _whole(bank.bookings), print_euro_de(bank.paid), told)
    return table


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}en"


def _speed(played: Played, stage: str) -> int:
    return played.per_second(stage, played.entitlements if stage == "checks" else played.positions_at_once)


def _whole(number: int) -> str:
    return f"{number:,}".replace(",", ".")
