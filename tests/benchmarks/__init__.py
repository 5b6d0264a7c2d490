"""How fast, as ratios in one interleaved run: ``python -m tests.benchmarks``. Never a time asserted in a test."""
