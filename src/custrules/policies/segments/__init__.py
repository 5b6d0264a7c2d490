"""Segments: what a customer is by one measure (bands), by several (a matrix), or by recency, frequency and money (RFM)."""

from custrules.policies.segments.bands import Bands
from custrules.policies.segments.matrix import Matrix

__all__ = ["Bands", "Matrix"]
