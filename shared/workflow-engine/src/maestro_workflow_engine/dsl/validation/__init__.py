"""Validating Open Workflow documents before they run, against the whole DSL, whichever of it can be run here.

`_structure` and the modules it stands on say what the DSL's JSON Schema says, in the terms of the DSL and much faster;
`_semantics` says the rest.
"""

from maestro_workflow_engine.dsl.validation._excerpt import excerpt
from maestro_workflow_engine.dsl.validation._report import Report, check, validate

__all__ = ["Report", "check", "excerpt", "validate"]
