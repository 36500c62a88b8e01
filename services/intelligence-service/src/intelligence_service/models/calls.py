"""What is told of each call of a model: a log line, a span and metrics, with tokens and cost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from intelligence_service.domain.errors import IntelligenceError
from intelligence_service.domain.model import ModelReply
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Told:
    """What becomes known while a call is made."""

    def __init__(self) -> None:
        self.reply: ModelReply | None = None

    def answered(self, reply: ModelReply) -> None:
        """Note the answer.

        Args:
            reply: The answer.
        """
        self.reply = reply


class ModelCalls:
    """Tells of calls.

    Args:
        metrics: Counts them; the metrics are declared here, so make this while the application is built.
    """

    def __init__(self, metrics: MetricsCollector) -> None:
        self._logger = get_logger(__name__)
        self._tracer = trace.get_tracer("intelligence_service")
        self._calls = metrics.counter(
            "model_calls_total",
            "Calls of models, by how they ended: answered, the error's code, or cancelled.",
            ("endpoint", "outcome"),
        )
        self._seconds = metrics.histogram(
            "model_call_duration_seconds", "Time of one call of a model.", ("endpoint",), buckets=_BUCKETS_S
        )
        self._tokens = metrics.counter(
            "model_tokens_total", "Tokens of answered calls, by kind: input or output.", ("endpoint", "kind")
        )
        self._cost = metrics.counter(
            "model_cost_micros_total", "Cost of answered calls, in millionths of the currency.", ("endpoint",)
        )

    @contextmanager
    def attempt(self, endpoint: str, identity: str) -> Iterator[Told]:
        """Tell of one call of one endpoint.

        Args:
            endpoint: Its name.
            identity: Its base URL and model.

        Yields:
            Where the answer is noted. Log line and span carry the trace id of the request being served.
        """
        told = Told()
        outcome = "cancelled"
        started = time.perf_counter()
        # Names of the OpenTelemetry semantic conventions for generative AI.
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": identity, "maestro.endpoint": endpoint}
        with self._tracer.start_as_current_span(
            f"chat {endpoint}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        ) as span:
            try:
                yield told
                outcome = "answered"
            except IntelligenceError as error:
                outcome = error.code
                span.set_status(Status(StatusCode.ERROR, error.code))
                raise
            except TimeoutError:
                outcome = "TOO_LATE"
                raise
            finally:
                took = time.perf_counter() - started
                self._calls.labels(endpoint, outcome).inc()
                self._seconds.labels(endpoint).observe(took)
                span.set_attribute("maestro.outcome", outcome)
                if told.reply is not None:
                    self._note(endpoint, told.reply, span)
                self._log(endpoint, outcome, took, told.reply)

    def _note(self, endpoint: str, reply: ModelReply, span: trace.Span) -> None:
        usage = reply.usage
        self._tokens.labels(endpoint, "input").inc(usage.input_tokens)
        self._tokens.labels(endpoint, "output").inc(usage.output_tokens)
        self._cost.labels(endpoint).inc(usage.cost_micros)
        span.set_attribute("gen_ai.response.model", reply.model)
        span.set_attribute("gen_ai.usage.input_tokens", usage.input_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", usage.output_tokens)
        span.set_attribute("maestro.cost_micros", usage.cost_micros)

    def _log(self, endpoint: str, outcome: str, took: float, reply: ModelReply | None) -> None:
        facts: dict[str, object] = {"endpoint": endpoint, "outcome": outcome, "duration_ms": round(took * 1000, 1)}
        if reply is not None:
            facts |= {
                "model": reply.model,
                "input_tokens": reply.usage.input_tokens,
                "output_tokens": reply.usage.output_tokens,
                "cost_micros": reply.usage.cost_micros,
                "estimated": reply.usage.estimated,
            }
        log = self._logger.info if outcome in {"answered", "cancelled"} else self._logger.warning
        log("Model called", **facts)
