"""The integration guide's blocks that concern this package, as written; only missing imports and names are added."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI
from maestro_core_logging.testing import capture_logs

ORCHESTRATOR = """
from maestro_core_logging import get_logger, configure_logging
from maestro_core_config import ConfigManager, BaseConfig
from maestro_core_api import MaestroAPI, APIConfig

class OrchestratorConfig(BaseConfig):
    max_concurrent_workflows: int = 10
    default_timeout: int = 300
    enable_monitoring: bool = True

class MaestroOrchestrator:
    def __init__(self):
        # Configure logging
        configure_logging(service_name="maestro-orchestrator")
        self.logger = get_logger(__name__)

        # Load configuration
        config_manager = ConfigManager(OrchestratorConfig)
        self.config = config_manager.load()

        # Initialize API
        api_config = APIConfig(
            title="MAESTRO Orchestrator API",
            service_name="maestro-orchestrator"
        )
        self.api = MaestroAPI(api_config)
"""

INTELLIGENCE_SERVICE_MISSING = """
from maestro_core_config import BaseConfig
from pydantic import BaseModel

class AnalysisRequest(BaseModel):
    input: str
"""

INTELLIGENCE_SERVICE = """
from maestro_core_api import MaestroAPI, APIConfig, SecurityConfig
from maestro_core_logging import configure_logging
from maestro_core_config import ConfigManager

# Service-specific configuration
class IntelligenceServiceConfig(BaseConfig):
    model_endpoint: str
    cache_ttl: int = 3600
    enable_learning: bool = True

# Initialize service
configure_logging(service_name="intelligence-service")

config_manager = ConfigManager(IntelligenceServiceConfig)
config = config_manager.load()

api_config = APIConfig(
    title="Intelligence Service API",
    service_name="intelligence-service",
    version="1.0.0",
    security=SecurityConfig(jwt_secret_key=config.jwt_secret)
)

app = MaestroAPI(api_config)

@app.post("/analyze")
async def analyze_request(data: AnalysisRequest):
    # Service logic here
    pass
"""

QUALITY_FABRIC_MISSING = """
from maestro_core_config import BaseConfig

class TestConfig(BaseConfig):
    __test__ = False
"""

QUALITY_FABRIC = '''
from maestro_core_api.testing import APITestCase
from maestro_core_config import ConfigManager

class MaestroTestCase(APITestCase):
    """Base test case for MAESTRO ecosystem tests"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Load test configuration
        cls.config = ConfigManager(TestConfig).load()
        # Setup test database
        cls.setup_test_db()

    def setUp(self):
        super().setUp()
        # Reset state before each test
        self.reset_test_state()
'''

LOAD_TEST = """
from maestro_core_monitoring import MetricsCollector

class LoadTestRunner:
    def __init__(self):
        self.metrics = MetricsCollector()

    async def run_load_test(self, endpoint: str, concurrent_users: int):
        # Load testing implementation
        pass
"""

ERROR_HANDLING = """
from maestro_core_api import APIException

# Service-specific exceptions inherit from APIException
class WorkflowNotFoundException(APIException):
    status_code = 404
    error_code = "WORKFLOW_NOT_FOUND"
    message = "Workflow not found"
"""

TRACING = """
from maestro_core_logging import get_logger
from opentelemetry import trace

tracer = trace.get_tracer(__name__)
logger = get_logger(__name__)

@tracer.start_as_current_span("process_workflow")
async def process_workflow(workflow_id: str):
    logger.info("Processing workflow", workflow_id=workflow_id)
    # Processing logic
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secret: str) -> Iterator[None]:
    """A place with nothing but the settings that the blocks need, and logging put back afterwards."""
    import logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAESTRO_JWT_SECRET", secret)
    monkeypatch.setenv("INTELLIGENCE_SERVICE_MODEL_ENDPOINT", "http://127.0.0.1:1/v1")
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def execute(*blocks: str) -> dict[str, Any]:
    """Run blocks one after the other in one module."""
    names: dict[str, Any] = {"__name__": "guide"}
    for block in blocks:
        exec(compile(block, "guide.py", "exec"), names)
    return names


def test_orchestrator() -> None:
    """The orchestrator's block builds an API with the name and title given."""
    orchestrator = execute(ORCHESTRATOR)["MaestroOrchestrator"]()
    assert orchestrator.api.title == "MAESTRO Orchestrator API"
    assert orchestrator.api.config.service_name == "maestro-orchestrator"
    assert orchestrator.config.max_concurrent_workflows == 10


def test_intelligence_service(auth: Any) -> None:
    """The service's block gives a working app: /analyze answers with a token, validates, and refuses without one."""
    app = execute(INTELLIGENCE_SERVICE_MISSING, INTELLIGENCE_SERVICE)["app"]
    with TestClient(app) as client:
        assert client.post("/analyze", json={"input": "x"}).status_code == 401
        assert client.post("/analyze", json={"input": "x"}, headers=auth("viewer")).status_code == 200
        assert client.post("/analyze", json={}, headers=auth("viewer")).json()["errors"][0]["path"] == "body.input"


def test_quality_fabric(make_app: Callable[..., MaestroAPI]) -> None:
    """The test case's block works as a base class, with configuration and an empty database."""
    import unittest

    base: Any = execute(QUALITY_FABRIC_MISSING, QUALITY_FABRIC)["MaestroTestCase"]

    class OrdersTest(base):  # type: ignore[misc]  # the class comes from the guide's text
        app = make_app()

        def test_it(self) -> None:
            assert self.config.environment == "development"
            assert self.database_path.exists()
            assert self.client.get("/health/live").status_code == 200

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(OrdersTest).run(result)
    assert result.wasSuccessful(), result.errors
    assert result.testsRun == 1


def test_load_test_runner() -> None:
    """The load test's block runs, and its collector has the standard metrics."""
    runner = execute(LOAD_TEST)["LoadTestRunner"]()
    asyncio.run(runner.run_load_test("http://127.0.0.1:1", concurrent_users=2))
    assert b"service_requests_total" in runner.metrics.exposition()[0]


def test_error_handling(make_app: Callable[..., MaestroAPI], auth: Any) -> None:
    """The exception's block is answered with its status, code and message."""
    error = execute(ERROR_HANDLING)["WorkflowNotFoundException"]
    app = make_app()

    @app.get("/workflows/x")
    async def workflow() -> None:
        raise error

    answer = TestClient(app, headers=auth("viewer")).get("/workflows/x")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (answer.json()["error_code"], answer.json()["title"]) == ("WORKFLOW_NOT_FOUND", "Workflow not found")


def test_tracing(spans: InMemorySpanExporter) -> None:
    """The tracing block makes a span, and its log line carries the span's trace id."""
    process_workflow = execute(TRACING)["process_workflow"]
    with capture_logs() as logs:
        asyncio.run(process_workflow("w-1"))
    (span,) = spans.get_finished_spans()
    assert span.name == "process_workflow"
    (line,) = logs
    assert (line["event"], line["workflow_id"]) == ("Processing workflow", "w-1")
    assert span.context is not None
    assert line["trace_id"] == f"{span.context.trace_id:032x}"
