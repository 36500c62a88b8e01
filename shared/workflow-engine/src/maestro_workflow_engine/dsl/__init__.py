"""The Open Workflow DSL (1.0.0 to 1.0.3): documents in YAML or JSON that run as workflows.

document = load_document(Path("review.yaml").read_text())
async with WorkflowEngine("sqlite:///maestro.db", workflows=[document.as_workflow()]) as engine:
    handle = await engine.start(document.qualified_name, {"name": "anyio"})
"""

from maestro_workflow_engine.dsl._document import WorkflowDocument, load_document, validate_document
from maestro_workflow_engine.dsl._errors import ProblemDetails, TaskError
from maestro_workflow_engine.dsl._expression_pool import ExpressionLimits
from maestro_workflow_engine.dsl._faults import DocumentError, Fault
from maestro_workflow_engine.dsl._http import (
    HttpCaller,
    HttpCallError,
    HttpRequest,
    HttpResponse,
    HttpStreamer,
    StreamedResponse,
)
from maestro_workflow_engine.dsl._http_client import HttpxCaller
from maestro_workflow_engine.dsl._identity import DSL_VERSIONS
from maestro_workflow_engine.dsl._process_options import ProcessOptions
from maestro_workflow_engine.dsl._resolver import StepResolver, Steps
from maestro_workflow_engine.dsl._schedule import Schedule
from maestro_workflow_engine.dsl._scheduling import DocumentSchedules
from maestro_workflow_engine.dsl._secrets import EnvironmentSecrets, FixedSecrets, SecretProvider

__all__ = [
    "DSL_VERSIONS",
    "DocumentError",
    "DocumentSchedules",
    "EnvironmentSecrets",
    "ExpressionLimits",
    "Fault",
    "FixedSecrets",
    "HttpCallError",
    "HttpCaller",
    "HttpRequest",
    "HttpResponse",
    "HttpStreamer",
    "HttpxCaller",
    "ProblemDetails",
    "ProcessOptions",
    "Schedule",
    "SecretProvider",
    "StepResolver",
    "Steps",
    "StreamedResponse",
    "TaskError",
    "WorkflowDocument",
    "load_document",
    "validate_document",
]
