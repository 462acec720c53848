"""but-gateway: checks, invoices, decisions and settlement for the Bildungs- und Teilhabepaket."""

__version__ = "0.1.0"
