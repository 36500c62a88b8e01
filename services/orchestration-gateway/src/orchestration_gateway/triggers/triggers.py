"""The triggers there are: declared in files or by calls, changed, and asked for by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_config import NamedSecrets
from maestro_core_db import Database
from orchestration_gateway.clock import Clock

from .declaration import NAME, Declaration, Mapped, ScheduleDeclaration, WebhookDeclaration
from .errors import Fault, InvalidTriggerError, MappingError, TriggerConflictError, TriggerNotFoundError
from .jq_pool import JqPool
from .schedules import Schedules, schedule_id
from .sealing import KeysUnreadableError, Seal
from .signatures import new_secret, secret_fault
from .trigger import Key, Origin, Trigger
from .trigger_store import TriggerStore

_MOST_KEYS: Final = 5


@dataclass(frozen=True, slots=True)
class Declared:
    """What came of a declaration."""

    trigger: Trigger
    is_new: bool
    secret: str | None = None
    """A key that was made for it; shown this once."""


class Triggers:
    """The triggers of the service.

    Args:
        db: The database.
        store: Keeps those that were declared by calls.
        seal: Encrypts their keys.
        jq: Compiles their programs.
        schedules: Keeps the orchestrator's schedules as those of the triggers are.
        files: Those that were declared in files, by name.
        clock: Gives the present.
    """

    def __init__(
        self,
        db: Database,
        store: TriggerStore,
        seal: Seal,
        jq: JqPool,
        schedules: Schedules,
        *,
        files: Mapping[str, Trigger],
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._seal = seal
        self._jq = jq
        self._schedules = schedules
        self._files = files
        self._clock = clock
        self._named = NamedSecrets()

    async def get(self, name: str) -> Trigger:
        """Return a trigger, whosever it is.

        Raises:
            TriggerNotFoundError: There is none.
        """
        found = self._files.get(name) or (await self._store.get(name) if NAME.fullmatch(name) else None)
        if found is None:
            raise TriggerNotFoundError(name)
        return found

    async def visible(self, name: str, tenant: str | None) -> Trigger:
        """Return a trigger to a caller.

        Raises:
            TriggerNotFoundError: There is none, or it is another tenant's.
        """
        found = await self.get(name)
        if not found.belongs_to(tenant):
            raise TriggerNotFoundError(name)
        return found

    async def listing(self, tenant: str | None) -> Sequence[Trigger]:
        """Return the triggers that a caller may see, by name."""
        found = [*self._files.values(), *await self._store.all()]
        return sorted((each for each in found if each.belongs_to(tenant)), key=lambda each: each.name)

    async def for_events(self) -> Sequence[Trigger]:
        """Return the triggers that wait for events, those that are paused included."""
        files = [each for each in self._files.values() if each.declaration.kind == "event"]
        return [*files, *await self._store.all(kind="event")]

    async def check(self, name: str, declaration: Declaration, *, origin: Origin) -> None:
        """Check a declaration.

        Raises:
            InvalidTriggerError: It breaks rules; all that were found are named.
        """
        faults = []
        if not NAME.fullmatch(name):
            faults.append(
                Fault("name", "must be a DNS label: lower-case letters, digits and inner hyphens, at most 63")
            )
        if isinstance(declaration, WebhookDeclaration):
            faults += self._key_faults(declaration, origin)
        if isinstance(declaration, Mapped):
            for program, text in declaration.programs.items():
                try:
                    await self._jq.check({program: text})
                except MappingError as error:
                    faults.append(Fault(program, error.reason))
        if faults:
            raise InvalidTriggerError(faults)

    def _key_faults(self, declaration: WebhookDeclaration, origin: Origin) -> list[Fault]:
        faults = []
        for index, secret in enumerate(declaration.secrets or ()):
            fault = secret_fault(secret.get_secret_value(), declaration.signature)
            if fault is not None:
                faults.append(Fault(f"secrets.{index}", fault))
        if declaration.secret_names and origin is Origin.API:
            faults.append(Fault("secret_names", "are for files only: give the keys themselves, or none to get one"))
        if origin is Origin.API and not self._seal.is_usable:
            faults.append(Fault("secrets", "cannot be kept: the service has neither encryption_key nor jwt_secret"))
        return faults

    async def declare(
        self, name: str, declaration: Declaration, *, tenant: str | None, by: str, revision: int | None = None
    ) -> Declared:
        """Declare a trigger, or change one.

        Args:
            name: Its name.
            declaration: What it is to be.
            tenant: The caller's tenant, which a new trigger belongs to.
            by: Who declares it.
            revision: The revision that it must have; None does not mind, 0 wants a new one.

        Returns:
            The trigger. One that was declared like this already stays as it is.

        Raises:
            InvalidTriggerError: The declaration breaks rules.
            TriggerConflictError: The name belongs to a file, to another tenant, or was changed meanwhile.
        """
        await self.check(name, declaration, origin=Origin.API)
        if name in self._files:
            raise TriggerConflictError(name, "is declared in a file; change it there")
        now = self._clock()

        async def work(session: AsyncSession) -> Declared:
            known = await self._store.find(session, name)
            if known is not None and not known.belongs_to(tenant):
                raise TriggerConflictError(name, "is taken; choose another name")
            if revision is not None and revision != (0 if known is None else known.revision):
                raise TriggerConflictError(name, "was changed meanwhile; read it again")
            keys, secret = _keys(declaration, known)
            plain = declaration
            if isinstance(declaration, WebhookDeclaration):
                plain = declaration.model_copy(update={"secrets": None})
            if known is not None and known.declaration == plain and known.keys == keys:
                return Declared(known, is_new=False)
            trigger = Trigger(
                name=name,
                tenant=tenant if known is None else known.tenant,
                declaration=plain,
                origin=Origin.API,
                revision=1 if known is None else known.revision + 1,
                created_at=now if known is None else known.created_at,
                updated_at=now,
                updated_by=by,
                keys=keys,
            )
            await self._store.put(session, trigger)
            await self._schedules.note(session, schedule_id(name, trigger.tenant), trigger)
            await session.commit()
            return Declared(trigger, is_new=known is None, secret=secret)

        done = await self._db.retrying(work)
        self._schedules.wake()
        return done

    async def rotate(self, name: str, *, tenant: str | None, by: str, overlap: timedelta) -> Declared:
        """Give a webhook a new key; those it has are accepted for a while longer.

        Args:
            name: The trigger.
            tenant: The caller's tenant.
            by: Who rotates.
            overlap: For how long.

        Returns:
            The trigger, and the new key.

        Raises:
            TriggerNotFoundError: There is none, or it is another tenant's.
            TriggerConflictError: It is declared in a file, or no webhook.
        """
        now = self._clock()
        if name in self._files and self._files[name].belongs_to(tenant):
            raise TriggerConflictError(name, "is declared in a file; its keys are those of the named secrets")

        async def work(session: AsyncSession) -> Declared:
            known = await self._store.find(session, name)
            if known is None or not known.belongs_to(tenant):
                raise TriggerNotFoundError(name)
            if not isinstance(known.declaration, WebhookDeclaration):
                raise TriggerConflictError(name, "is no webhook and has no keys")
            secret = new_secret()
            until = now + overlap
            old = [
                Key(key.value, until if key.expires_at is None else min(until, key.expires_at))
                for key in known.keys
                if key.is_valid(now)
            ]
            keys = (Key(secret), *old)[:_MOST_KEYS]
            trigger = replace(
                known, keys=keys, keys_problem=None, revision=known.revision + 1, updated_at=now, updated_by=by
            )
            await self._store.put(session, trigger)
            await session.commit()
            return Declared(trigger, is_new=False, secret=secret)

        return await self._db.retrying(work)

    async def delete(self, name: str, *, tenant: str | None) -> None:
        """Forget a trigger; its deliveries stay, and those that wait are still started.

        Raises:
            TriggerNotFoundError: There is none, or it is another tenant's.
            TriggerConflictError: It is declared in a file.
        """
        if name in self._files and self._files[name].belongs_to(tenant):
            raise TriggerConflictError(name, "is declared in a file; take it out there")

        async def work(session: AsyncSession) -> None:
            known = await self._store.find(session, name)
            if known is None or not known.belongs_to(tenant):
                raise TriggerNotFoundError(name)
            await self._store.remove(session, name)
            await self._schedules.note(session, schedule_id(name, known.tenant), None)
            await session.commit()

        await self._db.retrying(work)
        self._schedules.wake()

    def keys(self, trigger: Trigger) -> list[str]:
        """Return the keys that a webhook's signatures may be made with now; those that its scheme does not allow are left out.

        Raises:
            KeysUnreadableError: They cannot be decrypted.
        """
        if trigger.keys_problem is not None:
            raise KeysUnreadableError(trigger.name)
        declaration = trigger.declaration
        if not isinstance(declaration, WebhookDeclaration):
            return []
        now = self._clock()
        found = [key.value for key in trigger.keys if key.is_valid(now)]
        # Read each time: a rotated secret is seen at once.
        named = map(self._named.read, declaration.secret_names)
        found += [secret.strip() for secret in named if isinstance(secret, str)]
        return [key for key in found if secret_fault(key, declaration.signature) is None]

    async def note_files(self) -> None:
        """Let the schedules of files be those of the files, after a start; those of files that are gone are taken away."""
        stored = {schedule_id(each.name, each.tenant) for each in await self._store.all(kind="schedule")}
        wanted = {
            schedule_id(trigger.name, trigger.tenant): trigger
            for trigger in self._files.values()
            if isinstance(trigger.declaration, ScheduleDeclaration)
        }

        async def work(session: AsyncSession) -> None:
            for id_, trigger in wanted.items():
                await self._schedules.note(session, id_, trigger)
            for id_ in await self._schedules.noted(session):
                if id_ not in wanted and id_ not in stored:
                    await self._schedules.note(session, id_, None)
            await session.commit()

        await self._db.retrying(work)


def _keys(declaration: Declaration, known: Trigger | None) -> tuple[tuple[Key, ...], str | None]:
    """Return the keys of a trigger, and the one that was made for it."""
    if not isinstance(declaration, WebhookDeclaration):
        return (), None
    if declaration.secrets is not None:
        return tuple(Key(secret.get_secret_value()) for secret in declaration.secrets), None
    if known is not None and _has_scheme(known, declaration.signature):
        if known.keys_problem is not None:
            raise TriggerConflictError(known.name, f"keeps its keys only if they can be read: {known.keys_problem}")
        if known.keys:
            return known.keys, None
    secret = new_secret()
    return (Key(secret),), secret


def _has_scheme(trigger: Trigger, scheme: str) -> bool:
    """Tell whether a trigger's keys were made for a scheme: read as those of another one, a key may come out empty."""
    return isinstance(trigger.declaration, WebhookDeclaration) and trigger.declaration.signature == scheme
