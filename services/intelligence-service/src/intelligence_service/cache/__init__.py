"""Answers that need no model, because the same was asked before."""

from intelligence_service.cache.exact import Counts, ExactCache
from intelligence_service.cache.recall import CachedAnswers, RecallOptions
from intelligence_service.cache.semantic import Near, SemanticCache, comparable
from intelligence_service.cache.threshold import NEVER, Check, FalseHits, ThresholdKeeper, wilson_upper

__all__ = [
    "NEVER",
    "CachedAnswers",
    "Check",
    "Counts",
    "ExactCache",
    "FalseHits",
    "Near",
    "RecallOptions",
    "SemanticCache",
    "ThresholdKeeper",
    "comparable",
    "wilson_upper",
]
