"""Language models behind OpenAI-compatible endpoints: which is asked, for how long, at what price."""

from intelligence_service.models.calls import ModelCalls
from intelligence_service.models.openai import Endpoint, OpenAIModel, base_url_of
from intelligence_service.models.options import EndpointOptions
from intelligence_service.models.routed import EndpointView, RoutedModel

__all__ = ["Endpoint", "EndpointOptions", "EndpointView", "ModelCalls", "OpenAIModel", "RoutedModel", "base_url_of"]
