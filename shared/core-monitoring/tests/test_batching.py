import os
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from maestro_core_monitoring import MonitoringError, OtlpExport
from maestro_core_monitoring._tracing._batching import BatchingProcessor

LIMIT_S = 30


class Receiver(SpanExporter):
    """Takes spans when it is allowed to."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Event()
        self.batches: list[list[str]] = []
        self.answer = SpanExportResult.SUCCESS
        self.is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        assert self.open.wait(LIMIT_S)
        self.batches.append([span.name for span in spans])
        return self.answer

    def shutdown(self) -> None:
        self.is_shut_down = True
        self.open.set()

    @property
    def names(self) -> list[str]:
        return [name for batch in self.batches for name in batch]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.open.set()


def sending(
    receiver: Receiver, *, queue: int = 100, batch: int = 10, interval: float = 3600
) -> tuple[BatchingProcessor, TracerProvider]:
    """Put a processor between a tracer and the receiver."""
    options = OtlpExport("http://nowhere", queue_size=queue, batch_size=batch, interval=timedelta(seconds=interval))
    processor = BatchingProcessor(receiver, options)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return processor, provider


def end_spans(provider: TracerProvider, count: int, first: int = 0) -> None:
    """Let spans end; their names are numbers."""
    tracer = provider.get_tracer("t")
    for number in range(first, first + count):
        tracer.start_span(str(number)).end()


def test_spans_go_in_batches_and_in_order(receiver: Receiver) -> None:
    """A flush sends all of them, in requests of the size that was asked for."""
    processor, provider = sending(receiver, batch=10)
    end_spans(provider, 25)
    assert processor.force_flush(LIMIT_S * 1000)
    assert receiver.names == [str(number) for number in range(25)]
    assert all(len(batch) <= 10 for batch in receiver.batches)
    assert processor.statistics.exported == 25
    assert processor.statistics.waiting == processor.statistics.dropped == 0
    processor.shutdown()


@pytest.mark.parametrize("reason", ["a full batch", "the interval"])
def test_nobody_has_to_ask(receiver: Receiver, reason: str) -> None:
    """A batch that is full goes at once, one that is not goes after the interval."""
    count, interval = (5, 3600) if reason == "a full batch" else (1, 0.001)
    processor, provider = sending(receiver, batch=5, interval=interval)
    end_spans(provider, count)
    assert receiver.asked.wait(LIMIT_S)
    processor.shutdown()
    assert len(receiver.names) == count


def test_a_queue_that_is_full_drops_and_counts(receiver: Receiver) -> None:
    """While the receiver is stuck nothing blocks, memory is bounded, and every span is accounted for."""
    processor, provider = sending(receiver, queue=20, batch=10)
    receiver.open.clear()
    end_spans(provider, 10)
    assert receiver.asked.wait(LIMIT_S)
    end_spans(provider, 50, first=10)
    statistics = processor.statistics
    assert (statistics.queue_full, statistics.waiting, statistics.exported) == (30, 30, 0)
    receiver.open.set()
    assert processor.force_flush(LIMIT_S * 1000)
    assert processor.statistics.exported == 30
    assert receiver.names == [str(number) for number in range(30)]
    processor.shutdown()


@pytest.mark.parametrize("how", ["answers", "raises"])
def test_what_the_receiver_does_not_take_is_counted(receiver: Receiver, how: str) -> None:
    """A refused batch is lost and said to be; the next one is tried again."""
    processor, provider = sending(receiver)
    if how == "answers":
        receiver.answer = SpanExportResult.FAILURE
    else:
        receiver.export = lambda spans: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    end_spans(provider, 3)
    assert processor.force_flush(LIMIT_S * 1000)
    assert (processor.statistics.export_failed, processor.statistics.exported) == (3, 0)
    receiver.answer = SpanExportResult.SUCCESS
    receiver.__dict__.pop("export", None)
    end_spans(provider, 2)
    assert processor.force_flush(LIMIT_S * 1000)
    assert (processor.statistics.export_failed, processor.statistics.exported) == (3, 2)
    processor.shutdown()


def test_a_flush_keeps_its_limit(receiver: Receiver) -> None:
    """A receiver that is stuck does not hold up the end of a service."""
    processor, provider = sending(receiver)
    receiver.open.clear()
    end_spans(provider, 1)
    assert not processor.force_flush(10)
    receiver.open.set()
    assert processor.force_flush(LIMIT_S * 1000)
    processor.shutdown()


def test_the_end_sends_what_is_left_and_refuses_what_comes_after(receiver: Receiver) -> None:
    """Shutting down twice is fine; a span that ends later is counted as lost."""
    processor, provider = sending(receiver)
    end_spans(provider, 3)
    processor.shutdown()
    processor.shutdown()
    assert receiver.names == ["0", "1", "2"]
    assert receiver.is_shut_down
    end_spans(provider, 2, first=3)
    assert processor.statistics.shut_down == 2
    assert receiver.names == ["0", "1", "2"]


def test_spans_of_many_threads_are_all_accounted_for(receiver: Receiver) -> None:
    """Sent or dropped, none twice and none without a word."""
    processor, provider = sending(receiver, queue=64, batch=16, interval=0.001)
    threads = [threading.Thread(target=end_spans, args=(provider, 500, 1_000 * part)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    processor.shutdown()
    statistics = processor.statistics
    assert statistics.exported + statistics.queue_full == 2_000
    assert len(receiver.names) == len(set(receiver.names)) == statistics.exported


def test_a_span_that_is_not_sampled_is_not_sent(receiver: Receiver) -> None:
    """It is not lost either."""
    processor, _ = sending(receiver)
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(processor)
    end_spans(provider, 3)
    processor.shutdown()
    assert receiver.names == []
    assert processor.statistics.dropped == 0


def test_a_forked_child_sends_its_own(receiver: Receiver) -> None:
    """The thread that sends does not survive a fork; a new one does its work, and the parent's spans are the parent's."""
    processor, provider = sending(receiver)
    end_spans(provider, 1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        end_spans(provider, 2, first=10)
        processor.force_flush(LIMIT_S * 1000)
        os.write(write, ",".join(receiver.names).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as told:
        assert told.read() == "10,11"
    assert processor.force_flush(LIMIT_S * 1000)
    assert receiver.names == ["0"]
    processor.shutdown()


@pytest.mark.parametrize(("queue", "batch"), [(10, 0), (10, 11)])
def test_sizes_that_do_not_fit_are_refused(queue: int, batch: int) -> None:
    """The error says how they must be."""
    with pytest.raises(MonitoringError, match="batch_size <= queue_size"):
        OtlpExport("http://nowhere", queue_size=queue, batch_size=batch)


def test_headers_are_not_shown() -> None:
    """They hold tokens."""
    assert "secret" not in repr(OtlpExport("http://nowhere", headers={"authorization": "secret"}))
