"""What endpoints of the gateway refuse."""

from maestro_core_api import NotFoundException, UnauthorizedException, ValidationException


class GatewayTokenException(UnauthorizedException):
    """401: whoever asks for Envoy's configuration has not shown the gateway's token."""

    error_code = "GATEWAY_TOKEN_REQUIRED"
    message = "Only a gateway may ask this"


class GatewaySettingsException(ValidationException):
    """422: the settings in a gateway's request are wrong."""

    error_code = "GATEWAY_SETTINGS_INVALID"
    message = "The gateway's settings are not valid"


class DeclarationNotFoundException(NotFoundException):
    """404: the service has declared nothing."""

    error_code = "DECLARATION_NOT_FOUND"
    message = "The service has declared nothing for the gateway"
