"""The migrations of the service's database."""

from intelligence_service.tables import IntelligenceBase

metadata = IntelligenceBase.metadata
