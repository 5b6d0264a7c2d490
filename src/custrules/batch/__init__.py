"""The same answers over data frames: ``columns`` makes policies into expressions that run on Polars, DuckDB and others, through narwhals.

Needs the extra ``batch``: ``pip install 'custrules[batch]'``.
"""

from custrules.errors import MissingExtra

try:
    import narwhals  # noqa: F401  # whether it is there at all
except ImportError:
    raise MissingExtra("custrules.batch (narwhals)", "batch") from None

from custrules.batch.frames import Columns, columns

__all__ = ["Columns", "columns"]
