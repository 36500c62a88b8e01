from importlib.metadata import entry_points
from importlib.util import find_spec

import governance_service
from governance_service import audit, keys


def test_the_subjects_export_exactly_this() -> None:
    """The names that other subjects take from a subject are these and no others."""
    assert audit.__all__ == ["AuditEntry", "AuditError", "AuditRecord", "AuditTrail", "Outcome"]
    assert keys.__all__ == [
        "KeyFolder",
        "KeyFolderError",
        "KeyRing",
        "KeysError",
        "NoSigningKeyError",
        "PublicKeys",
        "Rotation",
        "SigningKey",
        "b64url",
        "thumbprint",
        "unb64url",
    ]


def test_the_service_can_be_found() -> None:
    """The entry points lead to the module that serves, to the class of its configuration and to its migrations."""
    (service,) = entry_points(group="maestro.services", name="governance-service")
    assert service.load() is governance_service
    assert find_spec(f"{service.value}.__main__") is not None
    (config,) = entry_points(group="maestro.configs", name="governance-service")
    assert config.load().service_name == "governance-service"
    (migrations,) = entry_points(group="maestro.migrations", name="governance-service")
    assert "audit_entries" in migrations.load().metadata.tables
