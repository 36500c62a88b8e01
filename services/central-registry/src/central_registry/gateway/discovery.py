"""The protocol in which Envoy asks for its configuration (xDS over REST), without HTTP around it.

Envoy asks for each kind of resource in a request of its own, says which version it has accepted, and asks again after each
answer. An answer with the same version would be work for nothing, so it is held back until there is something new.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from maestro_core_logging import get_logger
from maestro_gateway import Edge, EdgeSettings
from maestro_gateway.envoy import (
    LONGEST_WAIT_S,
    TYPE_URLS,
    Resource,
    clusters,
    dynamic_listener,
    endpoints,
    rest_source,
    route_configuration,
)

from .publisher import EdgePublisher

Kind = Literal["clusters", "endpoints", "routes", "listeners"]
_MOST_NODES: Final = 10_000
_LOGGER: Final = get_logger(__name__)


class Node(BaseModel):
    """The gateway that asks."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=128)
    """What tells it from other gateways."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Its settings."""


class DiscoveryRequest(BaseModel):
    """What Envoy asks (envoy.service.discovery.v3.DiscoveryRequest)."""

    model_config = ConfigDict(extra="ignore")

    node: Node
    """Who asks."""
    version_info: str = Field(default="", max_length=128)
    """The version that it has accepted; empty at first."""
    resource_names: list[str] = Field(default_factory=list, max_length=1_000)
    """What it asks for; empty for everything."""
    error_detail: dict[str, Any] | None = None
    """Why it has refused the last answer."""


class DiscoveryResponse(BaseModel):
    """What Envoy is answered (envoy.service.discovery.v3.DiscoveryResponse)."""

    version_info: str
    """Version of the resources: the same content has the same one, whichever process answers."""
    resources: list[Resource]
    """The resources."""
    type_url: str
    """Their kind."""
    nonce: str
    """Name of the answer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one gateway and one kind of resource."""

    accepted: str
    """The version that it has; empty when it has none."""
    sent: str
    """The version that it was sent last."""
    asked_at: datetime
    """When it asked last."""
    error: str | None = None
    """Why it has refused an answer."""


class Discovery:
    """Answers gateways.

    Args:
        publisher: Holds the model of all routes.
        longest_wait_s: How long an answer may be held back, in seconds.
    """

    def __init__(self, publisher: EdgePublisher, *, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._publisher = publisher
        self._longest_wait_s = longest_wait_s
        self._seen: dict[tuple[str, str, tuple[str, ...]], Seen] = {}
        self._count = 0

    def nodes(self) -> dict[str, dict[str, Seen]]:
        """Return what is known of the gateways.

        Returns:
            Node → kind (and what of it was asked for) → what it has.
        """
        found: dict[str, dict[str, Seen]] = {}
        for (node, kind, names), seen in sorted(self._seen.items()):
            found.setdefault(node, {})[f"{kind}:{','.join(names)}" if kind == "endpoints" else kind] = seen
        return found

    async def answer(
        self, kind: Kind, request: DiscoveryRequest, *, stopping: asyncio.Event | None = None
    ) -> DiscoveryResponse | None:
        """Answer a request, as soon as there is something new.

        Args:
            kind: Kind of resource.
            request: What is asked.
            stopping: Set once the registry is about to stop, which held-back answers must not hold up; None never is.

        Returns:
            The answer; None when nothing has changed for as long as may be waited.

        Raises:
            pydantic.ValidationError: The gateway's settings are wrong.
        """
        settings = EdgeSettings.from_metadata(request.node.metadata)
        key = (request.node.id, kind, tuple(request.resource_names))
        before = self._seen.get(key)
        # What it was sent and has not taken, it would hardly take at once; a gateway that was started anew has nothing.
        refused = (
            before.sent if before is not None and request.version_info and before.sent != request.version_info else ""
        )
        self._note(key, request, refused)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._longest_wait_s
        stop = asyncio.ensure_future((stopping or asyncio.Event()).wait())
        try:
            while True:
                changed = asyncio.ensure_future(self._publisher.changed())
                try:
                    resources = render(kind, self._publisher.edge, settings, request.resource_names)
                    version = version_of(resources)
                    if version not in {request.version_info, refused}:
                        return self._send(key, version, resources)
                    left_s = max(0.0, deadline - loop.time())
                    await asyncio.wait({changed, stop}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changed.cancel()
                if stop.done():
                    return None
                if loop.time() >= deadline:
                    # It may not have been refused, but lost on the way.
                    return self._send(key, version, resources) if version == refused else None
        finally:
            stop.cancel()

    def _send(
        self, key: tuple[str, str, tuple[str, ...]], version: str, resources: list[Resource]
    ) -> DiscoveryResponse:
        self._count += 1
        before = self._seen[key]
        self._seen[key] = Seen(before.accepted, version, before.asked_at, before.error)
        return DiscoveryResponse(
            version_info=version,
            resources=resources,
            type_url=TYPE_URLS[key[1]],
            nonce=f"{version}-{self._count}",
        )

    def _note(self, key: tuple[str, str, tuple[str, ...]], request: DiscoveryRequest, refused: str) -> None:
        error = None
        if request.error_detail is not None or refused:
            error = str((request.error_detail or {}).get("message", "it was sent, and not accepted"))
            _LOGGER.error("A gateway did not accept its configuration", node=key[0], kind=key[1], reason=error)
        if len(self._seen) >= _MOST_NODES and key not in self._seen:
            self._seen.pop(next(iter(self._seen)))
        before = self._seen.pop(key, None)
        sent = request.version_info if before is None else before.sent
        self._seen[key] = Seen(request.version_info, sent, datetime.now(UTC), error)


def render(kind: Kind, edge: Edge, settings: EdgeSettings, names: list[str]) -> list[Resource]:
    """Render the resources of a kind.

    Args:
        kind: The kind.
        edge: What the gateway knows.
        settings: The gateway process.
        names: What is asked for; empty for everything.

    Returns:
        The resources, each with its type.
    """
    match kind:
        case "clusters":
            return clusters(edge, rest_source(), settings)
        case "endpoints":
            return [endpoints(service) for service in edge.services if not names or service.name in names]
        case "routes":
            return [route_configuration(edge, settings)]
        case "listeners":
            return [dynamic_listener(settings)]


def version_of(resources: list[Mapping[str, Any]] | list[Resource]) -> str:
    """Return the version of resources.

    Args:
        resources: The resources.

    Returns:
        A short digest of their content.
    """
    return hashlib.blake2b(json.dumps(resources, sort_keys=True).encode(), digest_size=12).hexdigest()
