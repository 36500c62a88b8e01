import tempfile
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from pydantic import SecretStr

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from central_registry.domain import InstanceKey, Registration, StorageFullError, StorageUnavailableError
from central_registry.storage import SqliteRegistrationStore
from central_registry.testing import FakeClock
from maestro_core_api import MaestroAPI
from maestro_core_api.testing import APITestCase

ENTRY = {"url": "http://127.0.0.1:8000", "version": "1.0.0", "metadata": {"zone": "a"}, "lease_s": 30}
INSTANCE = "/services/echo/instances/a"


class RegistryCase(APITestCase):
    """A registry of its own for each class, with time that stands still."""

    clock: ClassVar[FakeClock]
    config: ClassVar[CentralRegistryConfig]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="central-registry-")
        cls.addClassCleanup(folder.cleanup)
        cls.clock = FakeClock()
        cls.config = CentralRegistryConfig(
            environment="test",
            data_dir=Path(folder.name),
            jwt_secret=SecretStr("a-secret-for-tests-of-at-least-32-bytes"),
            advertise_url="http://127.0.0.1:1",
            sweep_interval_s=60,
            pause_tolerance_s=86_400,  # time is moved on by hand, and nobody stands still
        )
        cls.app = None

    @classmethod
    def create_app(cls) -> MaestroAPI:
        return create_app(cls.config, clock=cls.clock)

    def setUp(self) -> None:
        super().setUp()
        self.reset_test_state()
        self.clock.advance(3_600)

    def put(self, path: str = INSTANCE, **changes: Any) -> Any:
        return self.client.put(path, json={**ENTRY, **changes})

    def in_(self, seconds: int) -> str:
        return f"{self.clock() + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"

    def names(self) -> list[str]:
        return [service["name"] for service in self.client.get("/services").json()["services"]]


class LeaseTest(RegistryCase):
    def test_a_registration_is_201_and_then_200(self) -> None:
        """A new instance is answered with 201, the same again with 200; both show the instance and its lease."""
        first, again = self.put(), self.put()
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == {
            "instance_id": "a",
            "url": "http://127.0.0.1:8000",
            "version": "1.0.0",
            "metadata": {"zone": "a"},
            "registered_at": self.in_(0),
            "lease_expires_at": self.in_(30),
            "zone": None,
            "tags": [],
            "health": "unchecked",
            "health_since": self.in_(0),
            "health_reason": None,
            "weight": 10,
            "priority": 0,
        }

    def test_the_default_lease_applies(self) -> None:
        """Without lease_s an instance gets the lease that is configured as default."""
        entry = {name: value for name, value in ENTRY.items() if name not in {"lease_s", "metadata"}}
        instance = self.client.put(INSTANCE, json=entry).json()
        assert instance["lease_expires_at"] == self.in_(10)
        assert instance["metadata"] == {}

    def test_a_lease_is_renewed(self) -> None:
        """A renewal within the lease is 200 and moves its end."""
        before = self.put().json()
        self.clock.advance(29)
        answer = self.client.post(f"{INSTANCE}/lease")
        assert answer.status_code == 200
        assert answer.json()["lease_expires_at"] > before["lease_expires_at"]
        assert answer.json()["registered_at"] == before["registered_at"]

    def test_an_expired_lease_is_404_and_hidden(self) -> None:
        """When a lease ran out, nothing shows the instance, renewing is 404, and registering again is 201."""
        self.put()
        self.clock.advance(30)
        answer = self.client.post(f"{INSTANCE}/lease")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "LEASE_EXPIRED")
        assert self.client.get("/services/echo").status_code == 404
        assert "echo" not in self.names()
        assert self.put().status_code == 201

    def test_deregistering_is_204_and_immediate(self) -> None:
        """A deregistered instance is gone at once; doing so again, or for one never seen, is 204 too."""
        self.put()
        for path in (INSTANCE, INSTANCE, "/services/never/instances/seen"):
            answer = self.client.delete(path)
            assert (answer.status_code, answer.content) == (204, b"")
        assert self.client.get("/services/echo").status_code == 404


class LookUpTest(RegistryCase):
    def test_look_up_shows_the_live_instances_in_order(self) -> None:
        """Look-up by name gives the live instances by identifier, and no others."""
        for instance_id in ("b", "a", "c"):
            self.put(f"/services/echo/instances/{instance_id}", lease_s=10 if instance_id == "b" else 30)
        self.clock.advance(10)
        answer = self.client.get("/services/echo").json()
        assert set(answer) == {"name", "instances"}
        assert answer["name"] == "echo"
        assert [instance["instance_id"] for instance in answer["instances"]] == ["a", "c"]

    def test_an_unknown_service_is_404_and_the_live_ones_are_named(self) -> None:
        """A look-up in vain is SERVICE_NOT_FOUND and names the services that are live."""
        self.put()
        answer = self.client.get("/services/ecco")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "SERVICE_NOT_FOUND")
        assert "echo" in answer.json()["live"]
        assert "'ecco'" in answer.json()["detail"]


class FilterTest(RegistryCase):
    def ids(self, query: str = "") -> list[str]:
        answer = self.client.get(f"/services/echo{query}")
        return [each["instance_id"] for each in answer.json().get("instances", [])]

    def test_instances_are_chosen_by_zone_tag_and_version(self) -> None:
        """Each filter chooses, several together choose what has everything; what nobody has is 404."""
        self.put("/services/echo/instances/a", zone="eu-1", tags=["blue"], version="1.2.0")
        self.put("/services/echo/instances/b", zone="eu-2", tags=["blue", "canary"], version="2.0.0")
        for query, found in (
            ("", ["a", "b"]),
            ("?zone=eu-1", ["a"]),
            ("?tag=blue", ["a", "b"]),
            ("?tag=blue&tag=canary", ["b"]),
            ("?version=1", ["a"]),
            ("?version=2.0.0&zone=eu-2", ["b"]),
            ("?zone=eu-3", []),
        ):
            with self.subTest(query):
                assert self.ids(query) == found
        answer = self.client.get("/services/echo?zone=eu-3")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "SERVICE_NOT_FOUND")
        assert "with zone eu-3; it has 2 of another kind" in answer.json()["detail"]
        listed = self.client.get("/services?tag=canary").json()["services"]
        assert [(each["name"], len(each["instances"])) for each in listed] == [("echo", 1)]

    def test_hints_follow_zone_and_age(self) -> None:
        """Instances near the caller come first; a new one has a tenth of the weight, and all of it after the slow start."""
        self.put("/services/echo/instances/a", zone="eu-1", lease_s=300)
        self.clock.advance(60)
        self.put("/services/echo/instances/b", zone="eu-2", lease_s=300)
        near = self.client.get("/services/echo?near=eu-2").json()["instances"]
        assert [(each["weight"], each["priority"]) for each in near] == [(100, 1), (10, 0)]
        self.clock.advance(15)
        plain = self.client.get("/services/echo").json()["instances"]
        assert [(each["weight"], each["priority"]) for each in plain] == [(100, 0), (50, 0)]


class CatalogTest(RegistryCase):
    entry: ClassVar[dict[str, Any]] = {
        "version": "1.0.0",
        "owner": "team-shop",
        "description": "Echoes.",
        "docs": [{"title": "Runbook", "url": "https://docs.example/echo"}],
        "dependencies": [{"service": "billing", "reason": "charges"}],
        "openapi": {"openapi": "3.1.0", "info": {"title": "Echo", "version": "1"}, "paths": {}},
    }

    def test_an_entry_is_put_shown_and_removed(self) -> None:
        """A new entry is 201, the same again says so, a change is a revision; documents are served as they came."""
        first = self.client.put("/catalog/shown", json=self.entry)
        assert (first.status_code, first.json()["outcome"], first.json()["revision"]) == (201, "created", 1)
        again = self.client.put("/catalog/shown", json=self.entry)
        assert (again.status_code, again.json()["outcome"], again.json()["revision"]) == (200, "same", 1)
        changed = self.client.put("/catalog/shown", json={**self.entry, "owner": "team-new"})
        assert (changed.status_code, changed.json()["outcome"], changed.json()["revision"]) == (200, "changed", 2)
        self.put("/services/shown/instances/a", version="1.0.0")
        shown = self.client.get("/catalog/shown").json()
        assert (shown["owner"], shown["running"], shown["openapi"]) == (
            "team-new",
            {"1.0.0": 1},
            "/catalog/shown/openapi",
        )
        assert shown["documents"]["openapi"]["title"] == "Echo"
        assert shown["dependencies"] == [{"service": "billing", "optional": False, "reason": "charges"}]
        assert self.client.get(shown["openapi"]).json() == self.entry["openapi"]
        assert self.client.get("/catalog/shown/asyncapi").status_code == 404
        revisions = self.client.get("/catalog/shown/history").json()["revisions"]
        assert [(each["revision"], each["owner"]) for each in revisions] == [(2, "team-new"), (1, "team-shop")]
        for _ in range(2):
            assert self.client.delete("/catalog/shown", headers=self.auth("admin")).status_code == 204
        gone = self.client.get("/catalog/shown")
        assert (gone.status_code, gone.json()["error_code"]) == (404, "CATALOG_ENTRY_NOT_FOUND")

    def test_dependencies_are_compared_with_what_was_seen(self) -> None:
        """Observations add up by day, and the comparison names what is undeclared, unused and unknown."""
        self.client.put("/catalog/seen", json=self.entry)
        for calls in (3, 4):
            seen = {"caller": "seen", "callee": "stock", "calls": calls, "errors": 1}
            answer = self.client.post("/catalog/observations", json={"observations": [seen]})
            assert (answer.status_code, answer.json()) == (202, {"taken": 1})
        found = self.client.get("/catalog/seen/dependencies").json()
        assert (found["undeclared"], found["unused"], found["unknown"]) == (["stock"], ["billing"], ["billing"])
        assert (found["agrees"], found["traced"]) == (False, True)
        assert (found["observed"][0]["calls"], found["observed"][0]["errors"]) == (7, 2)
        days = self.client.get("/catalog/seen/observations?days=1").json()["days"]
        assert [(each["callee"], each["calls"], each["day"]) for each in days] == [
            ("stock", 7, f"{self.clock():%Y-%m-%d}")
        ]
        listed = {each["name"]: each for each in self.client.get("/catalog").json()["services"]}
        assert (listed["seen"]["owner"], listed["seen"]["undeclared"]) == ("team-shop", ["stock"])

    def test_the_registry_describes_itself(self) -> None:
        """From its start on the registry is in its own catalog, with its HTTP interface and its events."""
        shown = self.client.get("/catalog/central-registry").json()
        assert (shown["owner"], shown["observed"]["agrees"]) == ("platform", True)
        assert "/services/watch" in self.client.get(shown["openapi"]).json()["paths"]
        assert self.client.get(shown["asyncapi"]).json()["asyncapi"] == "3.0.0"

    def test_faults_are_named_with_their_path(self) -> None:
        """An entry that breaks several rules is answered once, with each fault and where it is."""
        wrong = {**self.entry, "version": "", "dependencies": [{"service": "faulty"}, {"service": "B"}]}
        answer = self.client.put("/catalog/faulty", json=wrong)
        assert (answer.status_code, answer.json()["error_code"]) == (422, "INVALID_CATALOG_ENTRY")
        assert [fault["path"] for fault in answer.json()["errors"]] == [
            "body.version",
            "body.dependencies.0.service",
            "body.dependencies.1.service",
        ]


class OwnEntryTest(RegistryCase):
    def test_the_registry_lists_itself(self) -> None:
        """From its start on the registry is in its own list, with the address that it advertises."""
        (service,) = self.client.get("/services").json()["services"]
        (instance,) = service["instances"]
        assert (service["name"], instance["url"]) == ("central-registry", "http://127.0.0.1:1")


class InvalidRequestTest(RegistryCase):
    def paths(self, answer: Any) -> list[str]:
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return [fault["path"] for fault in answer.json()["errors"]]

    def test_every_broken_rule_is_named_with_its_path(self) -> None:
        """A registration that breaks several rules is answered once, with each fault and where it is."""
        answer = self.put("/services/Echo/instances/-a", url="ftp://host", version="", lease_s=0.5)
        assert self.paths(answer) == ["path.name", "path.instance_id", "body.version", "body.url", "body.lease_s"]
        assert answer.json()["error_code"] == "INVALID_REGISTRATION"

    def test_wrong_types_and_unknown_fields_are_named(self) -> None:
        """Fields that are missing, misspelt or of another type are named."""
        answer = self.client.put(INSTANCE, json={"url": 1, "lease": 5, "metadata": {"a": 1}, "lease_s": "soon"})
        assert sorted(self.paths(answer)) == [
            "body.lease",
            "body.lease_s",
            "body.metadata.a",
            "body.url",
            "body.version",
        ]

    def test_hostile_values_are_refused(self) -> None:
        """Values beyond every measure are refused as invalid and never a failure of the service."""
        for body in (
            '{"url": "http://h", "version": "1", "lease_s": 1e300}',
            '{"url": "http://h", "version": "1", "lease_s": NaN}',
            '{"url": "http://h", "version": "1", "lease_s": -Infinity}',
            '{"url": "http://h", "version": "1", "metadata": {"a": "\\ud800"}}',
            '{"url": "http://\\ud800", "version": "1"}',
            '{"url": "http://h", "version": "1", "metadata": {"a": "' + "x" * 5_000 + '"}}',
            '{"url": "http://h", "version": "1", "metadata": ' + "[" * 5_000 + "]" * 5_000 + "}",
            "[]",
            "null",
            "",
            "{",
        ):
            with self.subTest(body[:80]):
                answer = self.client.put(INSTANCE, content=body, headers={"content-type": "application/json"})
                assert answer.status_code in (400, 422), answer.text
        assert self.client.get("/services/echo").status_code == 404


class AccessTest(RegistryCase):
    def test_reading_takes_a_viewer_and_changing_an_operator(self) -> None:
        """A viewer may look up; only an operator may register, renew and deregister; without a token nobody may."""
        calls = (
            ("GET", "/services"),
            ("GET", "/services/echo"),
            ("PUT", INSTANCE),
            ("POST", f"{INSTANCE}/lease"),
            ("DELETE", INSTANCE),
        )
        self.put()
        for method, path in calls:
            with self.subTest(f"{method} {path}"):
                body = ENTRY if method == "PUT" else None
                viewer = self.client.request(method, path, json=body, headers=self.auth("viewer"))
                assert viewer.status_code == (200 if method == "GET" else 403)
                operator = self.client.request(method, path, json=body, headers=self.auth("operator"))
                assert operator.status_code in (200, 204)
                stranger = self.client.request(method, path, json=body, headers={"Authorization": ""})
                assert stranger.status_code == 401


class FailingDiskTest(RegistryCase):
    def failing(self, error: Exception) -> Any:
        async def fail(_: SqliteRegistrationStore, __: Registration | Collection[InstanceKey], ___: Any) -> None:
            raise error

        return patch.multiple(SqliteRegistrationStore, save=fail, remove=fail)

    def test_a_full_disk_is_507_and_nothing_is_lost(self) -> None:
        """With a full disk the new is refused with 507, and the known is shown, renewed and registered again."""
        self.put()
        with self.failing(StorageFullError(Path("/secret/folder/registry.db"), "the disk is full")):
            answer = self.put("/services/echo/instances/b")
            assert (answer.status_code, answer.json()["error_code"]) == (507, "STORAGE_FULL")
            assert "free some space" in answer.json()["detail"]
            assert "/secret" not in answer.text
            assert self.client.post(f"{INSTANCE}/lease").status_code == 200
            assert self.put().status_code == 200
            assert len(self.client.get("/services/echo").json()["instances"]) == 1
        assert self.put("/services/echo/instances/b").status_code == 201

    def test_an_unwritable_disk_is_503_and_who_leaves_is_gone(self) -> None:
        """With an unwritable disk a goodbye is answered with 503, and yet the instance is no longer shown."""
        self.put()
        with self.failing(StorageUnavailableError(Path("registry.db"), "it cannot be used")):
            answer = self.client.delete(INSTANCE)
            assert (answer.status_code, answer.json()["error_code"]) == (503, "STORAGE_UNAVAILABLE")
            assert self.client.get("/services/echo").status_code == 404
