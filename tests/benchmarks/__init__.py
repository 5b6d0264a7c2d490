"""How fast: ratios in one interleaved run, never a time asserted in a test. Run as ``python -m tests.benchmarks``."""
