from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_logging import PERSONAL_KEYS, Masking, configure_logging, get_logger
from maestro_core_logging._checksums import iban_length, is_card_number
from maestro_core_logging._masking import Masker

MASK = "**********"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
BASIC = base64.b64encode(b"user:hunter2").decode()
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{'hunter2' * 9}\n-----END RSA PRIVATE KEY-----"
KEYS = [  # put together here, so that no scanner of repositories takes them for real
    "sk-" + "proj-a1b2c3d4e5f6g7h8i9j0",
    "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "ghp" + "_16C7e42F292c6912E7710c838347Ae178B4a",
    "github" + "_pat_11ABCDEFG0abcdefghijkl",
    "glpat" + "-20characters1234567",
    "xoxb" + "-123456789012-abcdefABCDEF",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "SyA1234567890abcdefghijklmnopqrstuvw",
    "npm" + "_abcdefghij0123456789abcdefghij012345",
    "hf" + "_abcdefghij0123456789abcdefghij0123",
    "SG" + ".abcdefghij0123456789.klmnopqrstu0123456789",
    "hvs" + ".CAESIAbcdefghij0123456789",
]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"got {JWT} from caller", f"got {MASK} from caller"),
        ("sent Bearer abc123def456 along", f"sent Bearer {MASK} along"),
        (f"sent basic {BASIC} along", f"sent basic {MASK} along"),
        ("Authorization: Bearer abc123def456", f"Authorization: {MASK}"),
        ("{'Authorization': 'Digest username=u, response=hunter2', 'a': 1}", f"{{'Authorization': '{MASK}', 'a': 1}}"),
        ("Cookie: a=1; session=hunter2", f"Cookie: {MASK}"),
        ("postgresql://app:hunter2@db:5432/shop failed", f"postgresql://app:{MASK}@db:5432/shop failed"),
        ("redis://:hunter2@cache", f"redis://:{MASK}@cache"),
        ("amqp://u:hun@ter2@mq/v", f"amqp://u:{MASK}@mq/v"),
        ("GET https://a.example/x?access_token=hunter2&page=3", f"GET https://a.example/x?access_token={MASK}&page=3"),
        ("https://s3.example/o?X-Amz-Signature=abcdef&e=1", f"https://s3.example/o?X-Amz-Signature={MASK}&e=1"),
        ("host=db password=hunter2 user=app", f"host=db password={MASK} user=app"),
        ("password = 'hunter two', retries=3", f"password = '{MASK}', retries=3"),
        ('{"client_secret": "hunter\\"2", "a": 1}', f'{{"client_secret": "{MASK}", "a": 1}}'),
        ("Login(user='u', password='hunter2')", f"Login(user='u', password='{MASK}')"),
        ("tool --api-key hunter2 --verbose", f"tool --api-key {MASK} --verbose"),
        ("tool --password=hunter2 x", f"tool --password={MASK} x"),
        ("['tool', '--token', 'hunter2']", f"['tool', '--token', '{MASK}']"),
        (f"key:\n{PEM}\nend", f"key:\n{MASK}\nend"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2 and cut", MASK),
        ("card 4111 1111 1111 1111 declined", f"card {MASK} declined"),
        ("card 4111111111111111, 5500-0055-5555-5559", f"card {MASK}, {MASK}"),
        ("amex 3782 822463 10005.", f"amex {MASK}."),
        ("to DE89 3704 0044 0532 0130 00 today", f"to {MASK} today"),
        ("to AT611904300234573201 PAID", f"to {MASK} PAID"),
        ("to AT61 1904 3002 3457 3201 PAID", f"to {MASK} PAID"),
        *((f"with {key}, and", f"with {MASK}, and") for key in KEYS),
    ],
)  # fmt: skip
def test_secrets_in_text_are_masked(text: str, shown: str) -> None:
    """Known by how they look or by the name in front; what stands around stays."""
    assert Masker().text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Order placed",
        "Basic authentication failed, bearer tokens are wanted",
        "bearer authentication required",
        "token_count=5 max_tokens: 100 primary_key=7",
        "password=None token=null secret=''",
        "2026-01-02T03:04:05.000006Z level=info",
        "0193a7c1-4a5b-7abc-9def-0123456789ab",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "http://127.0.0.1:8080/orders/17?page=3",
        "order 4111111111111112 and 1234567890123456",  # the check digit, and no issuer
        "x4111111111111111 4111111111111111.5 v4.4111111111111111",
        "1767322445000006",
        "DE88370400440532013000 is no account",
        "task-something-quite-long-1234567890",
        "sk-learn-is-a-library-of-learning",
        "a@b.example wrote",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "grep --color auto x",
        "eyJust a word.",
    ],
)
def test_look_alikes_stay(text: str) -> None:
    """Masking what is no secret makes a log useless; the same object comes back, so that nothing is copied."""
    assert Masker().text(text) is text


def test_what_was_masked_is_masked_again() -> None:
    """What is remembered of texts are clean ones only."""
    masker = Masker()
    for _ in range(3):
        assert masker.text("password=hunter2") == f"password={MASK}"
        assert masker.text("fine") == "fine"
    assert masker.clean_texts == {"fine"}


def test_memory_is_bounded() -> None:
    """Texts that vary without end do not fill it, and long ones are not kept at all."""
    masker = Masker()
    for number in range(10_000):
        masker.text(f"text {number}")
        masker.remember_key(f"key{number}")
        masker.text("x" * (number % 150) + "y" * (number // 150))
    masker.text("x" * 201)
    assert len(masker.clean_texts) <= 4_096
    assert len(masker.plain_keys) <= 4_096
    assert "x" * 201 not in masker.clean_texts
    assert not [text for text in masker.clean_texts if text[-1].isdigit()]


def test_masking_repeats_itself_to_no_effect() -> None:
    """A text that was masked is clean."""
    masker = Masker()
    for text in ("password=hunter2", f"Authorization: Bearer {JWT}", "u://a:hunter2@h", "['--token', 'hunter2']"):
        once = masker.text(text)
        assert masker.text(once) == once


def test_more_can_be_masked_and_less(lines: Any) -> None:
    """E-mail addresses, keys and patterns of one's own; a key that only looks secret is shown."""
    configure_logging(
        "s",
        "json",
        stream=lines,
        masking=Masking(
            keys=PERSONAL_KEYS | {"licensePlate"},
            shown_keys=frozenset({"session_token"}),
            patterns=(re.compile(r"(?P<kept>patient )\d+"), re.compile(r"MRN\d+")),
            emails=True,
        ),
    )
    get_logger().info(
        "Mail to jo.doe@shop.example for patient 17, MRN42",
        user_email="x",
        license_plate="x",
        session_token="shown",
        mail="a.b+c@d.example",
        text="phone: 555 license_plate=M-X1",
    )
    line = lines.one()
    assert line["event"] == f"Mail to {MASK}@shop.example for patient {MASK}, {MASK}"
    assert (line["user_email"], line["license_plate"], line["session_token"]) == (MASK, MASK, "shown")
    assert (line["mail"], line["text"]) == (f"{MASK}@d.example", f"phone: {MASK} license_plate={MASK}")


def test_text_is_masked_wherever_it_stands(lines: Any) -> None:
    """In the event, fields, bound ones, keys and values of nested ones, bytes, paths, objects and numbers."""

    class Connection:
        def __str__(self) -> str:
            return "u://a:hunter2@h"

    get_logger().bind(bound="token=hunter2").info(
        "failed: password=hunter2",
        plain="Bearer hunter2hunter2",
        nested={"a": ["u://a:hunter2@h", {"u://b:hunter2@h": 1}]},
        raw=b"secret=hunter2",
        thing=Connection(),
        kind=type("Text", (str,), {})("pwd=hunter2"),
        command=["psql", "--password", "hunter2", "-v"],
        card=4111111111111111,
        number=4111111111111112,
    )
    assert "hunter2" not in lines.getvalue()
    line = lines.one()
    assert (line["card"], line["number"]) == (MASK, 4111111111111112)
    assert line["command"] == ["psql", "--password", MASK, "-v"]


def test_positional_arguments_and_the_standard_library_are_masked(lines: Any) -> None:
    """What is put into the event by % is masked with it."""
    import logging

    get_logger().info("connecting to %s", "u://a:hunter2@h")
    logging.getLogger("lib").warning("connecting to %s", "u://a:hunter2@h")
    assert [line["event"] for line in lines.json()] == [f"connecting to u://a:{MASK}@h"] * 2


@given(st.text())
def test_any_text_can_be_masked(text: str) -> None:
    """Masking never fails, and is done after once."""
    once = Masker().text(text)
    assert Masker().text(once) == once


@given(
    st.text(st.sampled_from("ab =:,;'\"{}\n-"), max_size=30),
    st.sampled_from(["password=", "token: ", '"api_key": ', "--secret ", "Cookie: "]),
    st.text(st.sampled_from("abcXYZ019_"), min_size=4, max_size=12),
    st.text(st.sampled_from(" ,;\n"), min_size=1, max_size=3),
)
def test_a_named_secret_is_masked_in_any_surroundings(before: str, name: str, secret: str, after: str) -> None:
    """Whatever stands before and behind it."""
    unique = f"hunter{secret}2"
    assert unique not in Masker().text(f"{before} {name}{unique}{after}")


@pytest.mark.parametrize(
    "repeated",
    [
        "a",
        "a-",
        "a=",
        "eyJ",
        "://a:",
        "Bearer ",
        "4111 ",
        "DE89 ",
        "--a ",
        "password=",
        "-----BEGIN PRIVATE KEY-----",
        "a.b@",
    ],
)
def test_masking_takes_time_in_proportion(repeated: str) -> None:
    """No text makes a pattern go back and forth: under pytest's deadline, a quadratic one would not end."""
    text = repeated * (1_000_000 // len(repeated))
    assert Masker()._mask(text)


@pytest.mark.parametrize(
    ("digits", "is_card"),
    [
        ("4111111111111111", True), ("4222222222222", True), ("5555555555554444", True), ("2223003122003222", True),
        ("378282246310005", True), ("30569309025904", True), ("6011111111111117", True), ("3530111333300000", True),
        ("6200000000000005", True), ("4111111111111112", False), ("1111111111111117", False), ("411111111111111", False),
    ],
)  # fmt: skip
def test_cards_have_an_issuer_a_length_and_a_check_digit(digits: str, is_card: bool) -> None:
    """The issuers' published test numbers are cards."""
    assert is_card_number(digits) == is_card


@pytest.mark.parametrize(
    ("text", "length"),
    [("GB29NWBK60161331926819", 22), ("FR1420041010050500013M02606", 27), ("NO9386011117947", 15), ("NO9386011117948", 0), ("XX9386011117947", 0), ("NO93", 0)],
)  # fmt: skip
def test_accounts_have_a_country_a_length_and_check_digits(text: str, length: int) -> None:
    """The registry's examples are accounts."""
    assert iban_length(text) == length
