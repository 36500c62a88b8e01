from maestro_workflow_engine import dsl


def test_the_public_names_are_these() -> None:
    """The subpackage exports exactly what its users were promised."""
    assert dsl.__all__ == [
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
    assert all(hasattr(dsl, name) for name in dsl.__all__)
