"""The demo: an invented programme over real transactions, its figures, its words, and the folder that it leaves."""
