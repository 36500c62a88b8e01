import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel, Field

from maestro_core_messaging import Broker, EventType, asyncapi_document, read_as, read_event, write_event

SCHEMA = json.loads(Path(__file__).with_name("asyncapi-3.0.schema.json").read_text("utf-8"))


class Line(BaseModel):
    article: str
    count: int = 1


class Paid(BaseModel):
    number: int
    lines: list[Line] = []


PAID = EventType("orders.order.paid", 1, Paid, description="An order was paid.")
DECIDED = EventType("governance-service.approval.decided", 2, dict[str, str])


@pytest.fixture
async def broker():
    async with Broker.opened(service_name="orders") as broker:
        broker.publishes(PAID)

        @broker.subscriber(DECIDED, durable="on-decided")
        async def on_decided(event):
            """Ship what was approved.

            More is not shown.
            """

        @broker.subscriber("maestro.*.instance.>", PAID, durable="watch")
        async def watch(event): ...

        yield broker


def resolved(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


async def test_the_document_obeys_the_specification(broker) -> None:
    """Its schema accepts it, and every reference leads somewhere; with a description, too."""
    for document in (asyncapi_document(broker), asyncapi_document(broker, description="Orders.", version="2.1.0")):
        jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(document)
        found = references(document)
        assert found
        assert all(resolved(document, reference) for reference in found)


async def test_it_tells_what_is_published_and_what_is_heard(broker) -> None:
    """Each event type is a channel at its subject; each subscriber an operation with its first line."""
    document = asyncapi_document(broker)
    told = {
        (operation["action"], resolved(document, operation["channel"]["$ref"])["address"], operation.get("summary"))
        for operation in document["operations"].values()
    }
    assert told == {
        ("send", "maestro.orders.order.paid", None),
        ("receive", "maestro.governance-service.approval.decided", "Ship what was approved."),
        ("receive", "maestro.*.instance.>", None),
        ("receive", "maestro.orders.order.paid", None),
    }
    consumers = {operation.get("x-consumer") for operation in document["operations"].values()}
    assert consumers == {None, "orders_on-decided", "orders_watch"}


async def test_what_is_published_obeys_the_document(broker) -> None:
    """The payload's schema takes a real event, and refuses one with other data."""
    document = asyncapi_document(broker)
    schema = {
        **document["components"]["messages"]["orders_order_paid_v1"]["payload"],
        "components": document["components"],
    }
    validator = jsonschema_rs.validator_for(schema)
    event = json.loads(write_event(broker.event(PAID, Paid(number=1, lines=[Line(article="lamp")]), key="k")))
    validator.validate(event)
    assert not validator.is_valid({**event, "data": {"number": 1, "lines": [{"article": 7}]}})
    assert not validator.is_valid({**event, "type": "maestro.orders.order.sent"})


class Shipped(BaseModel):
    tracking_number: str = Field(alias="trackingNumber")
    paid: Paid


async def test_data_is_written_by_the_aliases_of_its_model(broker) -> None:
    """What is published obeys the document, and a consumer of the same type reads it."""
    shipped = EventType("orders.order.shipped", 1, Shipped)
    data = Shipped(trackingNumber="17", paid=Paid(number=1))
    body = write_event(broker.event(shipped, data, key="k"))
    document = asyncapi_document(broker)
    payload = document["components"]["messages"]["orders_order_shipped_v1"]["payload"]
    jsonschema_rs.validator_for({**payload, "components": document["components"]}).validate(json.loads(body))
    assert read_as(read_event(body), shipped).data == data


async def test_a_server_is_named_without_credentials() -> None:
    """Memory has no address and names none."""
    async with Broker.opened(service_name="orders") as broker:
        assert "servers" not in asyncapi_document(broker)
