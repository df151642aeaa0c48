"""A shop on Django: orders in PostgreSQL, the cache in Redis."""
