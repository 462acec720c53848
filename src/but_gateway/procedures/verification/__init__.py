"""Checking from outside: the packages of a batch from their files alone, the database, and the audit record with its chain."""
