import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from intelligence_service.domain.licenses import LicenseRecognizer, ReferenceKind
from intelligence_service.domain.personas import Persona
from intelligence_service.spdx_corpus import SpdxMatcherCorpus
from intelligence_service.testing import FakeClock, ModelServer, Orchestrator
from maestro_core_db import Database, Migrations
from maestro_core_db.testing import TemporaryDatabase
from maestro_core_db.testing.fixtures import database_migrations, postgres_database, postgres_server, sqlite_database

LIB = str(Path(__file__).with_name("lib"))
if LIB not in sys.path:
    sys.path.insert(0, LIB)

__all__ = ["database_migrations", "postgres_database", "postgres_server", "sqlite_database"]

Texts = Callable[[str], str]


@pytest.fixture
def secret() -> str:
    return "a secret for tests, of forty characters!"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def model_server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def license_persona() -> Persona:
    return Persona.model_validate(
        {
            "name": "license-analyst",
            "version": "1.0.0",
            "system_prompt": "You identify software licences.",
            "output_schema": {"type": "object", "required": ["expression", "confidence"]},
            "recognizer": "spdx-license-text",
        }
    )


@pytest.fixture
def mood_persona() -> Persona:
    return Persona.model_validate(
        {
            "name": "mood",
            "version": "2.1.0",
            "system_prompt": "You tell the mood of a text.",
            "output_schema": {
                "type": "object",
                "properties": {"mood": {"enum": ["happy", "sad"]}},
                "required": ["mood"],
                "additionalProperties": False,
            },
        }
    )


@pytest.fixture(scope="session")
def recognizer() -> LicenseRecognizer:
    return LicenseRecognizer(SpdxMatcherCorpus())


def _texts(kind: ReferenceKind) -> Texts:
    texts = {text.id: text.text for text in SpdxMatcherCorpus().texts() if text.kind is kind}
    return lambda name: texts[name]


@pytest.fixture(scope="session")
def spdx() -> Texts:
    return _texts(ReferenceKind.LICENSE)


@pytest.fixture(scope="session")
def spdx_exception() -> Texts:
    return _texts(ReferenceKind.EXCEPTION)


@pytest.fixture
def own_license() -> str:
    return (Path(__file__).parents[3] / "LICENSE").read_text(encoding="utf-8")


@pytest.fixture
def orchestrator(secret: str, license_persona: Persona, mood_persona: Persona) -> Orchestrator:
    personas = (license_persona, mood_persona)
    return Orchestrator(secret, {persona.name: persona.model_dump(mode="json") for persona in personas})


@pytest.fixture(params=["sqlite", "postgresql"])
async def migrated(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """The service's database, empty; the test runs on SQLite and on PostgreSQL."""
    kept: TemporaryDatabase = request.getfixturevalue(
        "sqlite_database" if request.param == "sqlite" else "postgres_database"
    )
    async with Database.opened(kept.url) as db:
        await Migrations("intelligence_service.migrations").upgrade(db)
        yield db
