"""``python -m tests.benchmarks [names] [--rounds N] [--rows N] [--markdown FILE]``: figures as a table, goals as ratios."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import columns, engines, flatness, lunar, rows, state_size, w1, w2, w3, w4
