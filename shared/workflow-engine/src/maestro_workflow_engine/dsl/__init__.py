"""The Open Workflow DSL (1.0.0 to 1.0.3): documents in YAML or JSON that run as workflows.

document = load_document(Path("review.yaml").read_text())
async with WorkflowEngine("sqlite:///maestro.db", workflows=[document.as_workflow()]) as engine:
    handle = await engine.start(document.qualified_name, {"name": "anyio"})
"""

from maestro_workflow_engine.dsl._document import WorkflowDocument, load_document, validate_document
from maestro_workflow_engine.dsl._errors import ProblemDetails, TaskError
from maestro_workflow_engine.dsl._faults import DocumentError, Fault
from maestro_workflow_engine.dsl._http import HttpCaller, HttpCallError, HttpRequest, HttpResponse
from maestro_workflow_engine.dsl._http_client import HttpxCaller
from maestro_workflow_engine.dsl._identity import DSL_VERSIONS
from maestro_workflow_engine.dsl._resolver import StepResolver, Steps

__all__ = [
    "DSL_VERSIONS",
    "DocumentError",
    "Fault",
    "HttpCallError",
    "HttpCaller",
    "HttpRequest",
    "HttpResponse",
    "HttpxCaller",
    "ProblemDetails",
    "StepResolver",
    "Steps",
    "TaskError",
    "WorkflowDocument",
    "load_document",
    "validate_document",
]
