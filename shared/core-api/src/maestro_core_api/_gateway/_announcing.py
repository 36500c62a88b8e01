"""Telling the registry what a service wants of the gateway."""

from maestro_core_api._client import APIClient
from maestro_core_api._exceptions import APIException
from maestro_core_logging import get_logger

from ._declaration import Declaration

_LOGGER = get_logger("maestro_core_api.gateway")


async def declare(client: APIClient, service: str, version: str, declaration: Declaration) -> None:
    """Send a declaration. One that is refused leaves the service out of the gateway, and is no reason not to register.

    Args:
        client: Calls the registry.
        service: Name of the service.
        version: Version that the declaration is for.
        declaration: What it wants.

    Raises:
        APIException: The registry is away, or cannot keep it now.
    """
    try:
        await client.put(f"/catalog/{service}/gateway/{version}", json=declaration.model_dump(mode="json"))
    except APIException as error:
        if error.status_code >= 500:
            raise
        if error.status_code in {404, 405}:
            _LOGGER.debug("The registry knows no gateway")
            return
        _LOGGER.error("The registry refused the routes for the gateway", reason=str(error), error_code=error.error_code)
