"""Reports are tried in the towns of settlement: a served gateway, books that can be filled at will, people who settle."""

from tests.procedures.settlement.conftest import settlement_office, settlement_url, superuser, treasury

__all__ = ["settlement_office", "settlement_url", "superuser", "treasury"]
