"""Providers, their bank accounts and agreements."""
