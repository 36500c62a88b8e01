import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from orchestration_gateway.triggers.errors import SignatureError
from orchestration_gateway.triggers.signatures import Verified, new_secret, secret_fault, standard_headers, verify

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = b'{"order": 17}'


def checked(headers: dict[str, str], *keys: str, body: bytes = BODY, scheme: str = "standard") -> Verified:
    return verify(scheme, headers, body, secrets_=keys or (KEY,), now=NOW, tolerance=timedelta(seconds=300))


def refused(headers: dict[str, str], *keys: str, body: bytes = BODY, scheme: str = "standard") -> str:
    with pytest.raises(SignatureError) as caught:
        checked(headers, *keys, body=body, scheme=scheme)
    return caught.value.rule


def test_the_example_of_the_specification() -> None:
    """The reference implementation's known answer is ours."""
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = standard_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_signed_message_is_known_by_its_id() -> None:
    """What is signed with any of the keys is accepted, also beside signatures of other versions and keys."""
    headers = standard_headers(KEY, "msg_1", NOW, BODY)
    assert checked(headers) == Verified("msg_1", "msg_1")
    assert checked(headers, OTHER, KEY).key == "msg_1"
    several = {**headers, "webhook-signature": f"v1a,xyz v1,bm8= {headers['webhook-signature']}"}
    assert checked(several).key == "msg_1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header(name: str) -> None:
    """Each of the three is needed."""
    headers = standard_headers(KEY, "msg_1", NOW, BODY)
    del headers[name]
    assert refused(headers) == "signature-present"


@pytest.mark.parametrize(
    "change",
    [{"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(NOW.timestamp()) + 1)}, {"webhook-signature": "v1,"}, {"webhook-signature": "v2,x"}],
)  # fmt: skip
def test_what_was_not_signed(change: dict[str, str]) -> None:
    """Another id, time, body, key or version of the signature does not pass."""
    headers = standard_headers(KEY, "msg_1", NOW, BODY)
    assert refused({**headers, **change}) == "signature-valid"
    assert refused(headers, body=BODY + b" ") == "signature-valid"
    assert refused(headers, OTHER) == "signature-valid"


@pytest.mark.parametrize("seconds", [-301, 301, 10_000_000])
def test_stale_and_early_messages(seconds: int) -> None:
    """A signature that is good is refused when its time is too far from the present, on either side."""
    assert refused(standard_headers(KEY, "m", NOW + timedelta(seconds=seconds), BODY)) == "timestamp-tolerance"
    edge = 300 if seconds > 0 else -300
    assert checked(standard_headers(KEY, "m", NOW + timedelta(seconds=edge), BODY)).key == "m"


def test_a_stale_forgery_is_told_nothing_about_time() -> None:
    """Whoever cannot sign learns only that."""
    headers = standard_headers(OTHER, "m", NOW - timedelta(days=1), BODY)
    assert refused(headers) == "signature-valid"


@pytest.mark.parametrize("at", ["", "now", "-1", "1e9", "1" * 13, "\u0661"])
def test_times_that_are_none(at: str) -> None:
    """Only a whole number of seconds is a time."""
    headers = {**standard_headers(KEY, "m", NOW, BODY), "webhook-timestamp": at}
    assert refused(headers) in {"webhook-timestamp", "signature-present"}


@pytest.mark.parametrize("message_id", ["a b", "x" * 201, "\u00e9"])
def test_ids_that_are_none(message_id: str) -> None:
    """An id is visible ASCII and not endless."""
    assert refused(standard_headers(KEY, message_id, NOW, BODY)) == "webhook-id"


def test_githubs_signature_is_known_by_its_content() -> None:
    """The same content is the same delivery whatever its unsigned headers say."""
    secret = "a long shared secret"
    signed = {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()}
    first = checked({**signed, "x-github-delivery": "one"}, "another long secret", secret, scheme="github")
    again = checked({**signed, "x-github-delivery": "two"}, secret, scheme="github")
    assert first.key == again.key
    assert (first.sender_id, again.sender_id) == ("one", "two")
    assert refused(signed, secret, body=b"other", scheme="github") == "signature-valid"
    assert refused({}, secret, scheme="github") == "signature-present"
    assert refused({"x-hub-signature-256": "sha1=\u00e9"}, secret, scheme="github") == "signature-valid"


def test_keys_that_are_none() -> None:
    """A key that could be guessed, or is mistyped, is refused in words without the key."""
    assert secret_fault(new_secret(), "standard") is None
    assert secret_fault(new_secret(), "github") is None
    assert "whsec_" in (secret_fault("short", "standard") or "")
    assert "base64" in (secret_fault("whsec_???", "standard") or "")
    assert "24 to 64" in (secret_fault("whsec_" + base64.b64encode(b"x" * 23).decode(), "standard") or "")
    assert "16 characters" in (secret_fault("x" * 15, "github") or "")
