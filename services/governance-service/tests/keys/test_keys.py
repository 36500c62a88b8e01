import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance_service.keys import (
    KeyFolder,
    KeyFolderError,
    KeyRing,
    NoSigningKeyError,
    PublicKeys,
    Rotation,
    SigningKey,
    thumbprint,
    unb64url,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROTATION = Rotation(every=timedelta(hours=24), announced=timedelta(hours=1), believed=timedelta(minutes=10))


@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=60))
def test_what_was_signed_is_believed_as_long_as_it_may_live(minutes: list[int]) -> None:
    """Whenever somebody looks, and however long nobody did: there is a key that signs, it is published, and so it is for ten minutes more."""
    ring, now = KeyRing([], ROTATION), NOW
    signed: list[tuple[str, datetime]] = []
    for step in minutes:
        now += timedelta(minutes=step)
        made = ring.next_key(now)
        kept = [key for key in ring.keys if key not in ring.over(now)] + ([] if made is None else [made])
        ring = KeyRing(kept, ROTATION)
        published = {key["kid"] for key in ring.jwks(now)["keys"]}
        signed.append((ring.signing(now).key_id, now))
        assert all(key_id in published for key_id, at in signed if now - at <= ROTATION.believed)


def test_a_new_key_is_announced_before_it_signs() -> None:
    """The next key is published an hour before it takes over, and the old one ten minutes after."""
    first = SigningKey.generated(NOW)
    ring = KeyRing([first], ROTATION)
    assert ring.next_key(NOW + timedelta(hours=22, minutes=59)) is None
    later = NOW + timedelta(hours=23)
    second = ring.next_key(later)
    assert second is not None
    ring = KeyRing([first, second], ROTATION)
    assert len(ring.jwks(later)["keys"]) == 2
    assert ring.signing(later) == first
    assert ring.signing(NOW + timedelta(hours=24)) == second
    assert ring.next_key(NOW + timedelta(hours=24)) is None
    assert ring.over(NOW + timedelta(hours=24, minutes=10)) == []
    assert ring.over(NOW + timedelta(hours=24, minutes=11)) == [first]


def test_there_is_no_key_before_its_time() -> None:
    """A ring without a key that has begun says so."""
    with pytest.raises(NoSigningKeyError):
        KeyRing([SigningKey.generated(NOW)], ROTATION).signing(NOW - timedelta(seconds=1))


def test_a_signature_is_of_one_key_and_one_content() -> None:
    """The public half believes what the private one signed, and nothing else."""
    key, other = SigningKey.generated(NOW), SigningKey.generated(NOW)
    keys = PublicKeys({"keys": [key.jwk(), {"kty": "oct", "k": "AAAA"}, "nonsense"]})
    signature = key.sign(b"content")
    assert keys.verifies(key.key_id, b"content", signature)
    assert not keys.verifies(key.key_id, b"other", signature)
    assert not keys.verifies(key.key_id, b"content", other.sign(b"content"))
    assert not keys.verifies(other.key_id, b"content", other.sign(b"content"))
    assert not keys.verifies(key.key_id, b"content", "not base64!")


def test_the_name_of_a_key_is_its_thumbprint() -> None:
    """The example of RFC 8037, A.3 has the thumbprint that stands there."""
    public = unb64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_folder_keeps_keys_for_its_owner_alone(tmp_path: Path) -> None:
    """Keys are read back as they were; nobody else may read their files, and no representation shows one."""
    folder = KeyFolder(tmp_path / "keys")
    key = SigningKey.generated(NOW)
    folder.keep(key)
    (found,) = folder.load()
    assert (found.key_id, found.activates_at, found.secret()) == (key.key_id, NOW, key.secret())
    (file,) = (tmp_path / "keys").glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert repr(key.secret()) not in repr(key)
    folder.forget([key])
    assert folder.load() == []


@pytest.mark.parametrize("content", ["", "{}", '{"kid": "x", "activates_at": "2026-01-01", "d": "AAAA"}', "[1]"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    """A key that cannot be read stops the start with the file's name, and is not replaced by a new one."""
    (tmp_path / "x.key.json").write_text(content)
    with pytest.raises(KeyFolderError, match=r"x\.key\.json"):
        KeyFolder(tmp_path).load()


def test_a_key_under_another_keys_name_is_refused(tmp_path: Path) -> None:
    """A file whose name and key do not belong together is damaged."""
    folder = KeyFolder(tmp_path)
    one, two = SigningKey.generated(NOW), SigningKey.generated(NOW)
    folder.keep(one)
    file = tmp_path / f"{one.key_id}.key.json"
    file.write_text(file.read_text().replace(one.key_id, two.key_id))
    with pytest.raises(KeyFolderError, match="belong together"):
        folder.load()
