"""Invoices, cancellations, objections."""
