"""Compares the whole chain with what was signed for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from governance_service.keys import PublicKeys
from governance_service.repeating import repeated
from maestro_core_db import DatabaseError
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

from .anchors import AnchorFolder
from .domain import AuditError, Broken, NoCheckpointError, Verdict, VerificationStoppedError, Verifier
from .storage import ChainStore

_logger = get_logger(__name__)


class TrailVerifier:
    """Verifies the trail when it is asked to, and now and then by itself.

    Args:
        store: The chain.
        anchors: What was signed for.
        jwks: The public keys that may have signed.
        metrics: Where the outcome is shown.
    """

    def __init__(
        self, store: ChainStore, anchors: AnchorFolder, jwks: Callable[[], dict[str, Any]], metrics: MetricsCollector
    ) -> None:
        self._store = store
        self._anchors = anchors
        self._jwks = jwks
        self._alone = asyncio.Lock()
        self._is_stopping = False
        self._intact = metrics.gauge(
            "governance_audit_intact", "Whether the audit trail was intact when it was last verified (0 or 1)."
        )

    async def verify(self) -> Verdict:
        """Read the whole chain, and say what was found.

        Raises:
            DatabaseError: The chain cannot be read.
            AnchorError: The checkpoints cannot be read.
        """
        async with self._alone:
            verdict = await self._verdict()
        self._intact.set(float(verdict.intact))
        if verdict.broken is not None:
            _logger.critical(
                "The audit trail was tampered with",
                fault=verdict.broken.fault,
                position=verdict.broken.position,
                entry_id=verdict.broken.entry_id,
                reason=verdict.broken.text,
            )
        return verdict

    @asynccontextmanager
    async def at_work(self, interval: timedelta) -> AsyncIterator[None]:
        """Verify now, and again after each interval, while the block runs.

        Args:
            interval: How long after one another; zero verifies once.
        """
        async with repeated(self._try, every=interval, name="audit-verification"):
            try:
                yield
            finally:
                self._is_stopping = True

    async def _try(self) -> None:
        try:
            await self.verify()
        except VerificationStoppedError:
            return
        except (AuditError, DatabaseError) as error:
            _logger.error("The audit trail could not be verified", reason=str(error), error_code=error.code)

    async def _verdict(self) -> Verdict:
        # The checkpoints first: what is appended meanwhile is beyond them, and never the other way round.
        try:
            checkpoints = await asyncio.to_thread(self._anchors.read)
        except NoCheckpointError as error:
            return Verdict(Broken("checkpoint-forged", 0, None, str(error)), 0, 0, "", 0)
        head = await self._store.head()
        # The first one is signed before there is any entry.
        if not checkpoints or checkpoints[0].position:
            text = f"{self._anchors.file} is gone or lacks its beginning: without it a cut-off chain looks intact"
            return Verdict(Broken("checkpoints-gone", 0, None, text), 0, 0, "", 0)
        verifier = await asyncio.to_thread(Verifier, head.log_id, checkpoints, PublicKeys(self._jwks()))
        async for entry in self._store.chain(through=head.position):
            verifier.read(entry)
            if verifier.is_broken:
                break
            if self._is_stopping:
                raise VerificationStoppedError
        return verifier.verdict()
