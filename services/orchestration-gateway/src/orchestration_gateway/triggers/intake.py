"""Taking deliveries in: recognised, mapped, kept, and their runs started."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Protocol

from maestro_core_monitoring import inject
from orchestration_gateway.clock import Clock

from .declaration import Mapped, RunOptions
from .delivery import Delivery, DeliveryStatus, Start, content_digest, delivery_id
from .delivery_store import DeliveryStore
from .dispatcher import LEASE, Dispatcher
from .errors import DeliveryConflictError, DeliveryNotFoundError, MappingError, ReplayRefusedError
from .jq_pool import JqPool
from .mapping import mapped
from .trigger import Trigger

_PATIENCE: Final = timedelta(seconds=2)
_MAPPING_FAILED: Final = MappingError.code
_ID: Final = re.compile(r"[0-9a-f]{32}")


class AdmitsStarts(Protocol):
    """Counts starts of runs against what a tenant may."""

    async def admit_start(self, tenant: str | None) -> None:
        """Count one, or refuse it.

        Raises:
            APIException: 429; the quota is used up.
        """
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that was taken in."""

    delivery: Delivery
    is_new: bool
    """False when it had come before."""


class Intake:
    """Takes deliveries in.

    Args:
        store: The inbox.
        dispatcher: Starts runs.
        jq: Runs the triggers' programs.
        quotas: Counts starts.
        clock: Gives the present.
    """

    def __init__(
        self, store: DeliveryStore, dispatcher: Dispatcher, jq: JqPool, quotas: AdmitsStarts, *, clock: Clock
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._jq = jq
        self._quotas = quotas
        self._clock = clock

    async def take(self, trigger: Trigger, message: Any, *, key: str, digest: str | None = None) -> Taken:
        """Take a message in; it is on disk when this returns.

        Args:
            trigger: The trigger that it came to; a webhook or one for events.
            message: What jq sees of it.
            key: What tells it from the trigger's other messages.
            digest: SHA-256 of its content; made of the message when None.

        Returns:
            The delivery: a new one, or the one that had come before.

        Raises:
            DeliveryConflictError: One of this key came before, with another content.
            MappingError: A program of the trigger failed; the delivery is kept, to be replayed when the trigger is put right.
            APIException: The tenant's quota is used up; nothing is kept.
        """
        digest = digest or content_digest(message)
        id_ = delivery_id(trigger.name, key, tenant=trigger.tenant)
        known = await self._store.get(id_)
        if known is not None:
            return await self._again(trigger, known, digest)
        await self._quotas.admit_start(trigger.tenant)
        now = self._clock()
        carrier: dict[str, str] = {}
        blank = Delivery(
            id=id_,
            trigger=trigger.name,
            tenant=trigger.tenant,
            key=key,
            digest=digest,
            message=message,
            status=DeliveryStatus.WAITING,
            received_at=now,
            waiting_since=now,
            traceparent=inject(carrier).get("traceparent"),
        )
        delivery, failure = await self._mapped(trigger, blank)
        if not await self._store.add(delivery):
            # Another process has taken the same delivery meanwhile.
            known = await self._store.get(delivery.id)
            if known is not None:
                return await self._again(trigger, known, digest)
        if failure is not None:
            raise failure
        return Taken(await self._begun(delivery), is_new=True)

    async def replay(self, trigger: Trigger, delivery: Delivery, *, anew: bool) -> Delivery:
        """Start the run of a delivery again.

        A dead delivery is mapped anew, with the trigger as it is now. Its run keeps its id, so that nothing doubles should
        the orchestrator have started it after all.

        Args:
            trigger: Its trigger.
            delivery: The delivery.
            anew: Start another run, also when one was started already.

        Returns:
            The delivery as it stands then.

        Raises:
            ReplayRefusedError: It is not dead, and another run is not wanted; or the trigger is no longer the one that took it.
            MappingError: A program of the trigger fails still.
        """
        if trigger.tenant != delivery.tenant or not isinstance(trigger.declaration, Mapped):
            raise ReplayRefusedError(
                f"its trigger is gone, and {trigger.name!r} is another one now; declare it anew for the same tenant"
            )
        if delivery.status is DeliveryStatus.WAITING or (delivery.status is not DeliveryStatus.DEAD and not anew):
            hint = "it is still waiting to be started" if delivery.status is DeliveryStatus.WAITING else "use anew=true"
            raise ReplayRefusedError(
                f"the delivery is {delivery.status.value}, and only dead ones are replayed; {hint}"
            )
        await self._quotas.admit_start(trigger.tenant)
        round_ = int(self._clock().timestamp() * 1_000_000) if anew else 0
        waiting = replace(delivery, status=DeliveryStatus.WAITING, waiting_since=self._clock(), attempts=0)
        remade, failure = await self._mapped(trigger, waiting, round_=round_)
        if failure is not None:
            raise failure
        if not anew and delivery.start is not None and remade.start is not None:
            # Also with another run_key: the orchestrator may have started the run after all.
            remade = replace(remade, start=replace(remade.start, run_id=delivery.start.run_id))
        if not await self._store.change(remade, only_while=delivery.status, since=delivery.waiting_since):
            raise ReplayRefusedError("somebody else is replaying the delivery")
        return await self._begun(remade)

    async def find(self, delivery_id_: str, tenant: str | None) -> Delivery:
        """Find a delivery.

        Args:
            delivery_id_: Its id.
            tenant: The caller's tenant.

        Raises:
            DeliveryNotFoundError: There is none, or it is somebody else's.
        """
        found = await self._store.get(delivery_id_) if _ID.fullmatch(delivery_id_) else None
        if found is None or (tenant is not None and found.tenant != tenant):
            raise DeliveryNotFoundError(delivery_id_)
        return found

    async def _again(self, trigger: Trigger, known: Delivery, digest: str) -> Taken:
        if known.digest != digest:
            raise DeliveryConflictError(known.key)
        if known.status is DeliveryStatus.DEAD and known.error_code == _MAPPING_FAILED:
            # Its sender tries again, and the trigger may have been put right.
            try:
                return Taken(await self.replay(trigger, known, anew=False), is_new=False)
            except ReplayRefusedError:
                # Somebody else does so at this moment.
                return Taken(await self._store.get(known.id) or known, is_new=False)
        return Taken(known, is_new=False)

    async def _begun(self, delivery: Delivery) -> Delivery:
        if delivery.status is not DeliveryStatus.WAITING:
            return delivery
        return await self._dispatcher.first_attempt(delivery, patience=_PATIENCE)

    async def _mapped(
        self, trigger: Trigger, delivery: Delivery, *, round_: int = 0
    ) -> tuple[Delivery, MappingError | None]:
        now = self._clock()
        declaration = trigger.declaration
        assert isinstance(declaration, Mapped)
        try:
            start = await mapped(self._jq, trigger, delivery.message, key=delivery.key, round_=round_)
        except MappingError as error:
            dead = replace(
                delivery,
                status=DeliveryStatus.DEAD,
                settled_at=now,
                next_attempt_at=None,
                error_code=_MAPPING_FAILED,
                error=str(error)[:2_000],
            )
            return dead, error
        if start is None:
            nothing: dict[str, Any] = dict.fromkeys(("start", "options", "next_attempt_at", "error_code", "error"))
            return replace(delivery, status=DeliveryStatus.FILTERED, settled_at=now, **nothing), None
        return _waiting(delivery, start, start_options(declaration.options, trigger), now + LEASE), None


def start_options(options: RunOptions, trigger: Trigger) -> dict[str, Any]:
    """Say how a trigger's runs are started, in the orchestrator's words; they carry the tenant and the trigger's name."""
    attributes = {"trigger": trigger.name}
    if trigger.tenant is not None:
        attributes["tenant"] = trigger.tenant
    found = options.in_words()
    # Tenants take turns in a queue, and mean nothing to the orchestrator outside of one.
    takes_turns = trigger.tenant is not None and options.queue is not None
    return {**found, "attributes": attributes, **({"tenant": trigger.tenant} if takes_turns else {})}


def _waiting(delivery: Delivery, start: Start, options: Mapping[str, Any], until: Any) -> Delivery:
    return replace(
        delivery,
        status=DeliveryStatus.WAITING,
        start=start,
        options=options,
        next_attempt_at=until,
        settled_at=None,
        error_code=None,
        error=None,
    )
