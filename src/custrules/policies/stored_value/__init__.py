"""Stored value: accounts, top-ups, spending, refunds."""
