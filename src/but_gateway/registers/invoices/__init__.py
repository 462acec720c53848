"""Invoices, lines, positions, decisions, slots, reviews and postings."""
