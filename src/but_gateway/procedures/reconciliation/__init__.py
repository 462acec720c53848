"""Reconciliation: what bank and treasury report comes back into the books; what does not fit is a list to work through."""
