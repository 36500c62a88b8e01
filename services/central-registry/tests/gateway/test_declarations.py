"""What services declare: over HTTP, and on disk."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from central_registry.bootstrap import create_app
from central_registry.catalog.domain import CatalogFullError, InvalidEntryError
from central_registry.config import CentralRegistryConfig
from central_registry.database import RegistryDatabase
from central_registry.domain import Registry, StorageCorruptError, StorageFullError
from central_registry.gateway.declarations import Declarations
from central_registry.gateway.domain import DeclarationLimits, with_declaration
from central_registry.gateway.storage import SqliteDeclarationStore
from maestro_core_api import issue_token
from maestro_core_api.gateway import Declaration, DeclaredRoute
from maestro_core_api.testing import running
from maestro_core_logging.testing import capture_logs

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
DECLARATION = Declaration(routes=(DeclaredRoute(path="/a", is_prefix=True, max_body_bytes=1),))
OTHER = Declaration(routes=(DeclaredRoute(path="/b", is_prefix=True, max_body_bytes=1),))
CONTENT: Any = DECLARATION.model_dump(mode="json")


def client(url: str, role: str) -> httpx2.AsyncClient:
    token = issue_token(SECRET, subject="test", roles=(role,))
    return httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)


async def test_a_declaration_survives_the_registry(tmp_path: Path) -> None:
    """What was declared is there after a restart; viewers see it, operators declare, admins forget."""
    config = CentralRegistryConfig.model_validate({"jwt_secret": SECRET, "data_dir": tmp_path, "environment": "test"})
    path = "/catalog/shop/gateway"
    async with running(create_app(config)) as url, client(url, "operator") as operator:
        assert (await operator.put(f"{path}/1.0.0", json=CONTENT)).status_code == 204
    async with running(create_app(config)) as url, client(url, "viewer") as viewer, client(url, "admin") as admin:
        assert (await viewer.get(path)).json() == {"1.0.0": CONTENT}
        assert (await viewer.put(f"{path}/1.0.0", json=CONTENT)).status_code == 403
        snapshot = (await viewer.get("/gateway/snapshot")).json()
        assert {service["name"] for service in snapshot["services"]} == {"central-registry", "shop"}
        assert (await viewer.get("/gateway/findings")).json() == {"findings": []}
        assert (await viewer.get("/gateway/nodes")).json() == {"nodes": {}}
        assert (await viewer.delete(path)).status_code == 403
        assert [(await admin.delete(path)).status_code for _ in range(2)] == [204, 204]
        assert (await viewer.get(path)).json()["error_code"] == "DECLARATION_NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/catalog/Shop/gateway/1.0.0", {}),
        ("/catalog/shop/gateway/-1", {}),
        ("/catalog/shop/gateway/1.0.0", {"routes": [{"path": "a", "is_prefix": True, "max_body_bytes": 1}]}),
        ("/catalog/shop/gateway/1.0.0", {"surprise": 1}),
        ("/catalog/shop/gateway/1.0.0", {"routes": [CONTENT["routes"][0]] * 1_001}),
    ],
)
async def test_what_makes_no_sense_is_refused(tmp_path: Path, path: str, change: dict[str, Any]) -> None:
    """A declaration that breaks the rules is answered with 422, and nothing of it is known."""
    config = CentralRegistryConfig.model_validate({"jwt_secret": SECRET, "data_dir": tmp_path, "environment": "test"})
    async with running(create_app(config)) as url, client(url, "operator") as operator:
        before = (await operator.get("/gateway/snapshot")).json()
        assert (await operator.put(path, json={**CONTENT, **change})).status_code == 422
        assert (await operator.get("/gateway/snapshot")).json() == before


async def test_a_change_is_kept_whole_or_not_at_all(tmp_path: Path, registry: Registry) -> None:
    """Versions come back in their order; a disk without room keeps what was, in the file and in memory; a service can be forgotten."""
    path = tmp_path / "registry.db"
    async with RegistryDatabase.opened(path) as database:
        declarations = Declarations(SqliteDeclarationStore(database), registry)
        for version in ("2.0.0", "1.0.0", "3.0.0"):
            await declarations.declare("shop", version, DECLARATION)
        await declarations.declare("shop", "1.0.0", OTHER)
        await declarations.declare("gone", "1.0.0", DECLARATION)
        assert await declarations.forget("gone")
        before = declarations.snapshot()
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count = 1")
        big = DECLARATION.model_copy(update={"routes": DECLARATION.routes * 500})
        with pytest.raises(StorageFullError):
            await declarations.declare("shop", "4.0.0", big)
        assert declarations.snapshot() == before
    async with RegistryDatabase.opened(path) as database:
        again = Declarations(SqliteDeclarationStore(database), registry)
        await again.restore()
        assert again.snapshot() == before
        (shop,) = before.services
        assert list(shop.declarations) == ["2.0.0", "3.0.0", "1.0.0"]
        assert shop.declarations["1.0.0"] == OTHER


async def test_a_declaration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A row that is no declaration makes the start fail, instead of being skipped."""
    path = tmp_path / "registry.db"
    async with RegistryDatabase.opened(path) as database:
        await SqliteDeclarationStore(database).replace("shop", {"1.0.0": DECLARATION})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE gateway_declarations SET declaration_json = '{\"x\": 1}'")
    async with RegistryDatabase.opened(path) as database:
        with pytest.raises(StorageCorruptError, match=r"shop 1\.0\.0"):
            await SqliteDeclarationStore(database).load()


async def test_declarations_are_bounded(tmp_path: Path, registry: Registry) -> None:
    """One service, one version of it, or one byte too many is refused; what is known can still change and go."""
    size = len(DECLARATION.model_dump_json())
    limits = DeclarationLimits(max_services=2, max_versions=2, max_bytes=size)
    async with RegistryDatabase.opened(tmp_path / "registry.db") as database:
        declarations = Declarations(SqliteDeclarationStore(database), registry, limits=limits)
        for service, version in (("a", "1"), ("a", "2"), ("b", "1")):
            assert await declarations.declare(service, version, DECLARATION)
        with pytest.raises(CatalogFullError, match="2 services"):
            await declarations.declare("c", "1", DECLARATION)
        with pytest.raises(CatalogFullError, match="2 versions of a"):
            await declarations.declare("a", "3", DECLARATION)
        with pytest.raises(InvalidEntryError, match=f"at most {size}"):
            await declarations.declare("b", "1", DECLARATION.model_copy(update={"hidden": ("/x",)}))
        assert await declarations.declare("a", "2", Declaration())
        assert await declarations.forget("b")
        assert await declarations.declare("c", "1", DECLARATION)


async def test_a_disk_that_fails_is_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A declaration that cannot be kept is answered without the file's path, which the log has."""
    config = CentralRegistryConfig.model_validate({"jwt_secret": SECRET, "data_dir": tmp_path, "environment": "test"})

    async def full(*_: Any) -> None:
        raise StorageFullError(config.database_file, "the disk is full")

    async with running(create_app(config)) as url, client(url, "operator") as operator:
        monkeypatch.setattr(SqliteDeclarationStore, "replace", full)
        with capture_logs() as lines:
            answer = await operator.put("/catalog/shop/gateway/1.0.0", json=CONTENT)
    assert (answer.status_code, answer.json()["error_code"]) == (507, "STORAGE_FULL")
    assert str(tmp_path) not in answer.text
    assert str(config.database_file) in {line.get("path") for line in lines}


def test_old_versions_are_forgotten() -> None:
    """Of versions that do not run the latest eight are kept; one that runs stays however old it is."""
    versions: Any = {}
    for number in range(20):
        versions = with_declaration(versions, f"1.{number}.0", DECLARATION, live={"1.0.0"})
    assert list(versions) == ["1.0.0", *(f"1.{number}.0" for number in range(11, 20))]
