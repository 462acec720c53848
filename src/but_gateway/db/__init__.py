"""Floor 3: the database: metadata, engine, transactions, tenancy, encrypted columns."""
