"""Registering workflow definitions, and having them again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from maestro.domain.catalog import Catalog, Definition, Kind, WorkflowKey, from_document, from_python
from maestro.domain.documents import as_workflow, digest, read_document
from maestro.domain.errors import InvalidWorkflowError, WorkflowExistsError
from maestro_core_logging import get_logger
from maestro_workflow_engine import WorkflowDefinition, WorkflowEngine, WorkflowError
from maestro_workflow_engine.dsl import DocumentSchedules, StepResolver, WorkflowDocument

_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as it is kept."""

    key: WorkflowKey
    source: bytes
    """What was sent, to the byte."""
    digest: str
    """Names its content; see `documents.digest`."""


class DefinitionStore(Protocol):
    """Keeps documents."""

    async def load(self) -> Sequence[StoredDocument]:
        """Return every document, in the order in which they were registered.

        Raises:
            StorageError: They cannot be read.
        """

    async def add(self, document: StoredDocument) -> None:
        """Keep a document; returns once it is on disk.

        Args:
            document: The document; its key must be new.

        Raises:
            StorageError: It cannot be kept.
        """


class Registered(NamedTuple):
    """What came of a registration."""

    definition: Definition
    is_new: bool
    """False when it had been registered before with the same content."""


class Loaded(NamedTuple):
    """What is known before the engine opens."""

    catalog: Catalog
    digests: dict[WorkflowKey, str]
    workflows: list[WorkflowDefinition[..., Any]]
    """For the engine, in the order of registration."""
    documents: dict[str, WorkflowDocument]
    """The latest document of each name that can run; its schedule is in force."""


async def load_definitions(
    store: DefinitionStore,
    python: Iterable[WorkflowDefinition[..., Any]],
    steps: StepResolver,
    *,
    lifecycle_events: bool = False,
) -> Loaded:
    """Gather the definitions, before the engine takes up runs of them.

    A kept document that cannot run any more, because a step that it calls is gone, stays in the catalog with its
    problem: its runs wait until a later start brings the step back.

    Args:
        store: Where documents are kept.
        python: The workflows from modules.
        steps: The steps that documents may call.
        lifecycle_events: Whether runs of documents publish what happens to them.

    Returns:
        What there is.

    Raises:
        StorageError: The documents cannot be read.
        WorkflowExistsError: A module declares what a kept document is called.
    """
    loaded = Loaded(Catalog(), {}, [], {})
    for workflow in python:
        loaded.catalog.add(from_python(workflow))
        loaded.workflows.append(workflow)
    for stored in await store.load():
        if loaded.catalog.get(stored.key) is not None:
            message = (
                f"{stored.key} was registered as a document, and now a module of workflow_modules declares it too; "
                "give the one in Python another version"
            )
            raise WorkflowExistsError(str(stored.key), message)
        loaded.digests[stored.key] = stored.digest
        loaded.catalog.add(_loaded(stored, steps, loaded, lifecycle_events=lifecycle_events))
    return loaded


def _loaded(stored: StoredDocument, steps: StepResolver, loaded: Loaded, *, lifecycle_events: bool) -> Definition:
    key = stored.key
    definition = Definition(key, Kind.DOCUMENT, "", key.qualified_name)
    try:
        document = read_document(stored.source, key)
        definition = from_document(document)
        loaded.workflows.append(as_workflow(document, steps, lifecycle_events=lifecycle_events))
        loaded.documents[document.qualified_name] = document
    except InvalidWorkflowError as error:
        _logger.error("Registered workflow cannot run; its runs wait", workflow=str(key), problem=str(error))
        return replace(definition, problem="; ".join(map(str, error.faults)))
    return definition


class Definitions:
    """The definitions of a running orchestrator.

    Args:
        loaded: What there is at the start.
        store: Where documents are kept.
        engine: Runs the workflows; open.
        steps: The steps that documents may call.
        lifecycle_events: Whether runs of documents publish what happens to them.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        store: DefinitionStore,
        engine: WorkflowEngine,
        steps: StepResolver,
        lifecycle_events: bool = False,
    ) -> None:
        self.catalog = loaded.catalog
        self._digests = loaded.digests
        self._store = store
        self._engine = engine
        self._steps = steps
        self._lifecycle_events = lifecycle_events
        self._documents = loaded.documents
        self._schedules = DocumentSchedules(engine)
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Let documents start by themselves, as their schedules say; one that the engine refuses does not keep the others."""
        for document in self._documents.values():
            try:
                await self._schedules.put(document)
            except WorkflowError as error:
                _logger.error(
                    "Document does not start by itself",
                    workflow=document.qualified_name,
                    problem=str(error),
                    code=error.code,
                )

    async def register(self, key: WorkflowKey, source: bytes) -> Registered:
        """Register a document; returns once it is kept.

        Args:
            key: Its namespace, name and version.
            source: The document, YAML 1.2 or JSON.

        Returns:
            The definition.

        Raises:
            InvalidWorkflowError: The document has faults; all are listed.
            WorkflowExistsError: This version is registered with other content.
            StorageError: It cannot be kept at the moment; it was not registered.
            JournalWriteError: Its schedule cannot be kept at the moment; that follows when the service next starts.
        """
        # In a thread: a large document takes a while to read, and the runs go on meanwhile.
        document = await asyncio.to_thread(read_document, source, key)
        async with self._turn:
            return await self._register(key, source, document)

    async def _register(self, key: WorkflowKey, source: bytes, document: WorkflowDocument) -> Registered:
        content = digest(document.definition)
        known = self.catalog.get(key)
        if known is not None:
            if self._digests.get(key) != content:
                raise WorkflowExistsError(
                    str(key),
                    f"{key} is registered with other content, and a registered version never changes: its runs rely on "
                    "it. Give the document another version",
                )
            return Registered(known, is_new=False)
        workflow = as_workflow(document, self._steps, lifecycle_events=self._lifecycle_events)
        await self._store.add(StoredDocument(key, source, content))
        self._engine.register(workflow)
        definition = from_document(document)
        self.catalog.add(definition)
        self._digests[key] = content
        await self._schedules.put(document)
        _logger.info("Workflow registered", workflow=str(key))
        return Registered(definition, is_new=True)
