from maestro_workflow_engine import WorkflowError, moving


def test_public_names_are_pinned():
    """What users import changes only on purpose."""
    assert moving.__all__ == [
        "Drained",
        "Move",
        "MoveError",
        "MoveReport",
        "MovedRun",
        "MovedSchedule",
        "Outcome",
        "carry_out",
        "drain",
        "plan_move",
    ]
    assert all(hasattr(moving, name) for name in moving.__all__)
    assert issubclass(moving.MoveError, WorkflowError)
