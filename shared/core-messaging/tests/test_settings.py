from datetime import timedelta

import pytest
from pydantic import ValidationError

from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_messaging import InvalidSubscriptionError, MessagingSettings, RedeliveryPolicy, Subscriptions


class OrdersConfig(MessagingSettings, BaseConfig):
    """A service with events."""


def test_the_settings_are_read_with_the_service_s_own(monkeypatch, tmp_path) -> None:
    """`MAESTRO_MESSAGING_URL` for all services, `<SERVICE>_MESSAGING_URL` for one; without them events stay here."""
    monkeypatch.chdir(tmp_path)
    assert ConfigManager(OrdersConfig).load().messaging_server == "memory://"
    monkeypatch.setenv("MAESTRO_MESSAGING_URL", "nats://one:4222,nats://two:4222")
    assert ConfigManager(OrdersConfig).load().messaging_server == "nats://one:4222,nats://two:4222"


@pytest.mark.parametrize("url", ["", "localhost", "http://localhost:4222", "nats://one:4222,two:4222"])
def test_what_is_no_address_is_refused(url) -> None:
    """The message shows how one looks."""
    with pytest.raises(ValidationError, match="nats://127"):
        MessagingSettings(messaging_url=url)


def test_delays_grow_up_to_a_limit_with_jitter_around_them() -> None:
    """Chance 0 is the shortest, 1 the longest, a half the middle."""
    policy = RedeliveryPolicy(initial_delay=timedelta(seconds=1), max_delay=timedelta(seconds=60), jitter=0.2)
    assert [policy.delay_s(number, chance=lambda: 0.5) for number in (1, 2, 3, 7, 1_000_000)] == [1, 2, 4, 60, 60]
    assert policy.delay_s(1, chance=lambda: 0.0) == pytest.approx(0.8)
    assert policy.delay_s(1, chance=lambda: 1.0) == pytest.approx(1.2)


@pytest.mark.parametrize(
    "options",
    [
        {"max_deliveries": 0},
        {"multiplier": 0.5},
        {"jitter": 2},
        {"initial_delay": timedelta(-1)},
        {"max_delay": timedelta(-1)},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options) -> None:
    """When it is made."""
    with pytest.raises(ValueError, match="must"):
        RedeliveryPolicy(**options)


@pytest.mark.parametrize(
    ("sources", "options"),
    [
        ((), {}),
        (("orders.order.paid",), {}),
        (("maestro.orders..paid",), {}),
        (("maestro.orders.pa*d",), {}),
        (("maestro.>.paid",), {}),
        (("maestro.*.paid", "maestro.orders.*"), {}),
        (("maestro.*.paid", "maestro.orders.>"), {}),
        (("maestro.orders.paid",), {"durable": "with.dot"}),
        (("maestro.orders.paid",), {"durable": ""}),
        (("maestro.orders.paid",), {"concurrency": 0}),
        (("maestro.orders.paid",), {"max_in_flight": 0}),
    ],
)
def test_a_subscriber_that_no_server_would_take_is_refused(sources, options) -> None:
    """When it is declared, and not when the server is asked."""
    with pytest.raises(InvalidSubscriptionError):

        @Subscriptions().subscriber(*sources, **{"durable": "fine", **options})
        async def handler(event): ...


def test_subjects_within_others_are_listened_to_once() -> None:
    """A server refuses subjects of one consumer that overlap that way."""
    subscriptions = Subscriptions()

    @subscriptions.subscriber(
        "maestro.orders.>", "maestro.orders.order.*", "maestro.bills.paid", "maestro.bills", durable="fine"
    )
    async def handler(event): ...

    assert subscriptions.declared[0].subjects == ("maestro.orders.>", "maestro.bills.paid", "maestro.bills")
