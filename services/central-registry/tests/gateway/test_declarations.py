"""What services declare: over HTTP, and on disk."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from central_registry.domain import StorageCorruptError, StorageUnavailableError
from central_registry.gateway.domain import with_declaration
from central_registry.gateway.storage import DeclarationFile
from maestro_core_api import issue_token
from maestro_core_api.gateway import Declaration, DeclaredRoute
from maestro_core_api.testing import running

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
DECLARATION = Declaration(routes=(DeclaredRoute(path="/a", is_prefix=True, max_body_bytes=1),))
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
    """A declaration that breaks the rules is answered with 422, and the file is as it was."""
    config = CentralRegistryConfig.model_validate({"jwt_secret": SECRET, "data_dir": tmp_path, "environment": "test"})
    async with running(create_app(config)) as url, client(url, "operator") as operator:
        before = config.declarations_file.read_bytes()
        assert (await operator.put(path, json={**CONTENT, **change})).status_code == 422
        assert config.declarations_file.read_bytes() == before


async def test_a_file_is_whole_or_is_not_used(tmp_path: Path) -> None:
    """A damaged file, or one of another format, is named and left alone; a folder in its place cannot be written."""
    path = tmp_path / "d" / "declarations.json"
    store = DeclarationFile(path)
    assert await store.load() == {}
    await store.save({"shop": {"1.0.0": DECLARATION}})
    assert await store.load() == {"shop": {"1.0.0": DECLARATION}}
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    for damage in (b"{", b"[]", b'{"format": 2}', b'{"format": 1, "declarations": {"shop": {"1": {"x": 1}}}}'):
        path.write_bytes(damage)
        with pytest.raises(StorageCorruptError, match=r"declarations\.json"):
            await store.load()
        assert path.read_bytes() == damage
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageUnavailableError):
        await store.save({})


def test_old_versions_are_forgotten() -> None:
    """Of versions that do not run the latest eight are kept; one that runs stays however old it is."""
    versions: Any = {}
    for number in range(20):
        versions = with_declaration(versions, f"1.{number}.0", DECLARATION, live={"1.0.0"})
    assert list(versions) == ["1.0.0", *(f"1.{number}.0" for number in range(11, 20))]
