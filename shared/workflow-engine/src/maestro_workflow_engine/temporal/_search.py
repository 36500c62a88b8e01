"""Search attributes on a cluster: the memo has them for whoever looks at a run, one custom attribute has them to find it by.

A cluster wants each custom attribute declared, with its type; the engine's are declared nowhere. So one attribute, of the type
KeywordList, holds all of a run's as keywords of the form `name=text`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from maestro_workflow_engine._attributes import Stored
from maestro_workflow_engine.temporal._calls import check_reached
from maestro_workflow_engine.temporal._wire import Start, packed

MAESTRO_ATTRIBUTES = SearchAttributeKey.for_keyword_list("MaestroAttributes")
VERSION_MEMO, TRACE_MEMO, ATTRIBUTES_MEMO = "maestro.version", "maestro.trace", "maestro.attributes"
MOVED_MEMO = "maestro.moved_from"
VERSION = "@version"
"""Stands among the keywords for the workflow's version; no attribute can be called so."""

_SAFE = "-_.~/@+"
_LONGEST = 200  # clusters on SQL keep 255 characters of a keyword


def keyword(name: str, value: Stored) -> str:
    """Return what an attribute with one value is found by: `name=text`, or `name:value` for what is no text.

    1 and 1.0 are the same number. Only letters, digits and a few signs stay as they are: not every store behind a cluster
    takes quotes within a keyword.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    sign, text = ("=", value) if isinstance(value, str) else (":", msgspec.json.encode(value).decode())
    text = quote(text, safe=_SAFE)
    if len(name) + len(text) > _LONGEST:
        text = "%23" + hashlib.sha256(text.encode()).hexdigest()
    return f"{name}{sign}{text}"


def keywords(version: str | None, attributes: Mapping[str, Stored]) -> list[str]:
    """Return everything that a run is found by."""
    found = [] if version is None else [keyword(VERSION, version)]
    for name, value in attributes.items():
        found += [keyword(name, each) for each in (value if isinstance(value, list) else [value])]
    return found


def memo_of(start: Start) -> dict[str, Any]:
    """Return what listings show of a run besides what the cluster itself knows."""
    memo: dict[str, Any] = {VERSION_MEMO: start.version or ""}
    if start.trace:
        memo[TRACE_MEMO] = start.trace
    if start.attributes:
        memo[ATTRIBUTES_MEMO] = packed(start.attributes)
    if start.moved_from:
        memo[MOVED_MEMO] = start.moved_from
    return memo


def search_attributes_of(start: Start) -> TypedSearchAttributes:
    """Return what a run is found by when it starts; nothing where the cluster has no place for it."""
    if not start.searchable:
        return TypedSearchAttributes.empty
    found = keywords(start.version, start.attributes or {})
    return TypedSearchAttributes([SearchAttributePair(MAESTRO_ATTRIBUTES, found)])


async def prepared(client: Client, target: str) -> bool:
    """Declare the custom attribute where the cluster lets this client do so, and tell whether it is there.

    Raises:
        ClusterUnreachableError: The cluster does not answer.
    """
    name = MAESTRO_ATTRIBUTES.name
    operator = client.operator_service
    try:
        known = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
        if name not in known.custom_attributes:
            await operator.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes={name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST},
                )
            )
            return True
        return known.custom_attributes[name] == IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST
    except RPCError as error:
        if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED):
            check_reached(error, target)
        # Temporal Cloud has no operator service; elsewhere it may be for administrators. Runs work, and are found by less.
        return error.status is RPCStatusCode.ALREADY_EXISTS
