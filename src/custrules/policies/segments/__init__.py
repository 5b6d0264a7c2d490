"""Segments: what a customer is by one measure (bands), by several (a matrix), or by recency, frequency and money (RFM)."""

from custrules.policies.segments.bands import Bands
from custrules.policies.segments.matrix import Matrix
from custrules.policies.segments.rfm import Rfm
from custrules.policies.segments.scores import Cuts, High, ScoreMap, Threshold

__all__ = ["Bands", "Cuts", "High", "Matrix", "Rfm", "ScoreMap", "Threshold"]
