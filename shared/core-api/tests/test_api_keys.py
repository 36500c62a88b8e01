import asyncio
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from maestro_core_api import (
    APIConfig,
    APIKey,
    FileKeyStore,
    KeyFileError,
    KeyStore,
    MaestroAPI,
    MemoryKeyStore,
    SecurityConfig,
    issue_api_key,
)
from maestro_core_api._api_keys import parse_api_key


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryKeyStore | FileKeyStore:
    """Each store that comes along, in turn."""
    return MemoryKeyStore() if request.param == "memory" else FileKeyStore(tmp_path / "keys" / "keys.json")


async def test_a_store_keeps_and_revokes(store: MemoryKeyStore | FileKeyStore) -> None:
    """A key is found by its id, listed, and marked when it is taken back; the first revocation counts."""
    record = issue_api_key(subject="robot", roles=["operator"], scopes=["a"])[1]
    assert await store.find(record.key_id) is None
    await store.add(record)
    assert await store.find(record.key_id) == record
    assert await store.keys() == [record]
    assert await store.revoke(record.key_id)
    revoked = await store.find(record.key_id)
    assert revoked is not None
    assert revoked.revoked_at is not None
    assert await store.revoke(record.key_id)
    assert await store.find(record.key_id) == revoked
    assert not await store.revoke("unknown")


def names(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


async def test_a_file_is_shared_between_processes(tmp_path: Path) -> None:
    """What one store writes, another one on the same file sees; nobody else on the machine may read it."""
    path = tmp_path / "keys.json"
    one, two = FileKeyStore(path), FileKeyStore(path)
    records = [issue_api_key(subject=f"robot-{number}")[1] for number in range(8)]
    await asyncio.gather(*(one.add(record) for record in records))
    assert {key.key_id for key in await two.keys()} == {record.key_id for record in records}
    await two.revoke(records[3].key_id)
    seen = await one.find(records[3].key_id)
    assert seen is not None
    assert seen.revoked_at is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["keys.json"]


async def test_a_broken_file_is_said_so(tmp_path: Path) -> None:
    """A file that cannot be read is an error that names it, not an empty store."""
    path = tmp_path / "keys.json"
    path.write_text('[{"key_id": "a"}]')
    with pytest.raises(KeyFileError, match=r"keys\.json"):
        await FileKeyStore(path).find("a")


def test_a_key_shows_its_kind_and_hides_its_secret() -> None:
    """A key begins with its prefix and its id, and what is kept of it does not hold its secret."""
    key, record = issue_api_key(subject="robot", prefix="shop")
    assert key.startswith(f"shop_{record.key_id}_")
    parsed = parse_api_key(key, "shop")
    assert parsed is not None
    assert parsed[0] == record.key_id
    assert parsed[1] not in record.model_dump_json()
    assert record.hash not in repr(record)
    assert parse_api_key(key, "mk") is None


def test_keys_are_never_the_same() -> None:
    """Each key has an id and a secret of its own."""
    keys = [issue_api_key(subject="robot")[0] for _ in range(100)]
    assert len({key.split("_")[1] for key in keys}) == len({key.split("_")[2] for key in keys}) == 100


def test_a_key_may_have_no_end() -> None:
    """A key ends after a year, when told so, or never."""
    assert issue_api_key(subject="robot", expires_in=None)[1].expires_at is None
    record = issue_api_key(subject="robot", expires_in=timedelta(days=1))[1]
    assert record.expires_at == record.created_at + timedelta(days=1)


class CountingStore:
    """A service's own store: it only has to find keys."""

    def __init__(self, record: APIKey) -> None:
        self.record = record
        self.asked = 0

    async def find(self, key_id: str) -> APIKey | None:
        self.asked += 1
        return self.record if key_id == self.record.key_id else None


@pytest.mark.parametrize(("remember", "asked"), [(timedelta(seconds=30), 1), (timedelta(0), 3)])
def test_a_good_key_is_remembered_for_a_while(remember: timedelta, asked: int) -> None:
    """A key that was found good is not looked up again for some seconds, or each time when a service wants that."""
    key, record = issue_api_key(subject="robot")
    store: KeyStore = CountingStore(record)
    security = SecurityConfig(api_keys={"remember": remember})
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security), key_store=store)
    client = TestClient(app)
    for _ in range(3):
        assert client.get("/nowhere", headers={"X-API-Key": key}).status_code == 404
    assert isinstance(store, CountingStore)
    assert store.asked == asked


def test_a_revocation_is_seen_at_once_when_it_is_told() -> None:
    """After forget_api_key, a key is looked up again."""
    key, record = issue_api_key(subject="robot")
    store = CountingStore(record)
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders"), key_store=store)
    client = TestClient(app)
    assert client.get("/nowhere", headers={"X-API-Key": key}).status_code == 404
    store.record = record.model_copy(update={"revoked_at": record.created_at})
    app.authenticator.forget_api_key(record.key_id)
    assert client.get("/nowhere", headers={"X-API-Key": key}).json()["error_code"] == "API_KEY_REVOKED"
