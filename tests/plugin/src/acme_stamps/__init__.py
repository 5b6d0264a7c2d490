"""A stamp card for custrules. The sentences of its reason codes stand in en.toml and zh.toml beside this file."""
