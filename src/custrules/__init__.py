"""custrules: decide what a customer is entitled to, and say why."""
