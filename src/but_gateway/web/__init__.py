"""Problems, idempotency, pagination, strict bodies."""
