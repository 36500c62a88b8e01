"""What callers say and see of the catalog."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from central_registry.catalog.domain import (
    Comparison,
    DayOfCalls,
    Dependency,
    DocumentInfo,
    DocumentKind,
    Draft,
    Link,
    Observation,
    ObservedCalls,
    Revision,
)


class LinkBody(BaseModel):
    """A page about a service."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    title: str
    url: str


class DependencyBody(BaseModel):
    """Another service that a service says it calls."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, use_attribute_docstrings=True)

    service: str
    """Its name."""
    optional: bool = False
    """Whether the service does its work without it, too."""
    reason: str = ""
    """What it is called for."""


class EntryRequest(BaseModel):
    """What a service says about itself."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    version: str
    """Version of the service that says it."""
    owner: str = ""
    """Who answers for it."""
    description: str = ""
    """What it is for."""
    docs: list[LinkBody] = Field(default_factory=list)
    """Pages about it."""
    dependencies: list[DependencyBody] = Field(default_factory=list)
    """Whom it calls."""
    openapi: dict[str, JsonValue] | None = None
    """Its OpenAPI document."""
    asyncapi: dict[str, JsonValue] | None = None
    """Its AsyncAPI document."""

    def draft(self) -> Draft:
        """Return it in the domain's terms."""
        return Draft(
            version=self.version,
            owner=self.owner,
            description=self.description,
            docs=tuple(Link(link.title, link.url) for link in self.docs),
            dependencies=tuple(Dependency(each.service, each.optional, each.reason) for each in self.dependencies),
            openapi=self.openapi,
            asyncapi=self.asyncapi,
        )


class DocumentView(BaseModel):
    """What is known of a document."""

    sha256: str
    size_bytes: int
    title: str
    version: str

    @classmethod
    def of(cls, info: DocumentInfo) -> Self:
        """Show a document."""
        return cls(
            sha256=info.digest,
            size_bytes=info.size_bytes,
            title=info.title,
            version=info.version,
        )


class EntryView(BaseModel):
    """What a service says about itself."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    revision: int
    recorded_at: datetime
    version: str
    owner: str
    description: str
    docs: list[LinkBody]
    dependencies: list[DependencyBody]
    openapi: str | None
    """Where its OpenAPI document is, as a path of the registry."""
    asyncapi: str | None
    """Where its AsyncAPI document is."""
    documents: dict[Literal["openapi", "asyncapi"], DocumentView]
    """What is known of its documents."""

    @classmethod
    def of(cls, revision: Revision) -> Self:
        """Show a revision."""
        entry = revision.entry
        documents = entry.documents or {}
        places = {kind: f"/catalog/{entry.service}/{kind}" for kind in documents}
        return cls(
            name=entry.service,
            revision=revision.number,
            recorded_at=revision.recorded_at,
            version=entry.version,
            owner=entry.owner,
            description=entry.description,
            docs=[LinkBody.model_validate(link) for link in entry.docs],
            dependencies=[DependencyBody.model_validate(each) for each in entry.dependencies],
            openapi=places.get(DocumentKind.OPENAPI),
            asyncapi=places.get(DocumentKind.ASYNCAPI),
            documents={kind.value: DocumentView.of(info) for kind, info in documents.items()},
        )


class PutView(EntryView):
    """The entry as it is now, and what came of putting it."""

    outcome: Literal["created", "changed", "same", "outdated"]


class HistoryView(BaseModel):
    """The revisions that are kept, the latest first."""

    revisions: list[EntryView]


class ObservedView(BaseModel):
    """A service that was seen being called."""

    service: str
    calls: int
    errors: int
    first_seen: datetime
    last_seen: datetime

    @classmethod
    def of(cls, calls: ObservedCalls) -> Self:
        """Show what was seen of a callee."""
        return cls(
            service=calls.callee,
            calls=calls.calls,
            errors=calls.errors,
            first_seen=calls.first_seen,
            last_seen=calls.last_seen,
        )


class ComparisonView(BaseModel):
    """What a service says it calls, and what it was seen calling."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    agrees: bool
    """Whether everything that was seen is declared, and everything declared exists."""
    since: datetime
    traced: bool
    """Whether the service was seen at all; when it was not, nothing is unused."""
    declared: list[DependencyBody]
    observed: list[ObservedView]
    undeclared: list[str]
    """Services that it was seen calling and does not name."""
    unused: list[str]
    """Services that it names and was not seen calling."""
    unknown: list[str]
    """Services that it names and that neither run nor are in the catalog."""

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        """Show a comparison."""
        return cls(
            name=comparison.service,
            agrees=comparison.agrees,
            since=comparison.since,
            traced=comparison.is_traced,
            declared=[DependencyBody.model_validate(each) for each in comparison.declared],
            observed=[ObservedView.of(calls) for calls in comparison.observed],
            undeclared=list(comparison.undeclared),
            unused=list(comparison.unused),
            unknown=list(comparison.unknown),
        )


class FullEntryView(EntryView):
    """What a service says about itself, and what was seen of it."""

    running: dict[str, int]
    """How many instances of each version are live."""
    observed: ComparisonView
    """What it was seen calling."""


class SummaryView(BaseModel):
    """A service in a few words."""

    name: str
    owner: str | None
    """Null when the service is not in the catalog but was seen in traces."""
    version: str | None
    running: dict[str, int]
    agrees: bool
    undeclared: list[str]
    unused: list[str]
    unknown: list[str]


class CatalogView(BaseModel):
    """Every service that is in the catalog or was seen calling, by name."""

    services: list[SummaryView]


class ObservationBody(BaseModel):
    """Calls from one service to another that were seen in traces."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    caller: str
    callee: str
    calls: int
    """How many calls."""
    errors: int = 0
    """How many of them failed."""
    first_seen: AwareDatetime | None = None
    """When the first one was seen; as `last_seen` when absent."""
    last_seen: AwareDatetime | None = None
    """When the last one was seen; now when absent."""

    def observation(self, now: datetime) -> Observation:
        """Return it in the domain's terms."""
        last = self.last_seen or now
        return Observation(self.caller, self.callee, self.calls, self.errors, self.first_seen or last, last)


class ObservationsRequest(BaseModel):
    """What was seen since the last time."""

    model_config = ConfigDict(extra="forbid")

    observations: list[ObservationBody]


class TakenView(BaseModel):
    """How many observations were taken."""

    taken: int


class DayView(BaseModel):
    """The calls from one service to another on one day."""

    caller: str
    callee: str
    day: date
    calls: int
    errors: int


class DaysView(BaseModel):
    """What was seen day by day, the latest first."""

    days: list[DayView]

    @classmethod
    def of(cls, days: Sequence[DayOfCalls]) -> Self:
        """Show days."""
        return cls(days=[DayView(**{name: getattr(each, name) for name in DayView.model_fields}) for each in days])
