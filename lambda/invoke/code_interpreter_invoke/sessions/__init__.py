"""Which sandbox belongs to a session."""
