"""Exact rate limits for Envoy: it asks here, over a Unix socket, before a request with limits goes on."""

from ._counter import Counter, WhenUnavailable
from ._question import MalformedQuestionError, Question, Reply, reply_to, reply_uncounted
from ._server import serving

__all__ = [
    "Counter",
    "MalformedQuestionError",
    "Question",
    "Reply",
    "WhenUnavailable",
    "reply_to",
    "reply_uncounted",
    "serving",
]
