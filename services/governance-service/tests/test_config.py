from pathlib import Path

import pytest
from pydantic import ValidationError

from governance_service.identity.opening import pepper_of
from governance_service.testing import config_for


def test_everything_is_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    """Keys and checkpoints have folders of their own, which can be moved apart from the database."""
    config = config_for(tmp_path)
    assert (config.audit_anchors, config.audit_keys, config.identity_keys) == (
        tmp_path / "audit-anchors",
        tmp_path / "audit-keys",
        tmp_path / "identity-keys",
    )
    moved = config_for(tmp_path, audit_anchor_dir=tmp_path / "elsewhere")
    assert moved.audit_anchors == tmp_path / "elsewhere"


def test_the_pepper_follows_from_the_shared_key_unless_it_is_set(tmp_path: Path) -> None:
    """It is another secret than the shared key, the same at each start, and must be long when it is set."""
    config = config_for(tmp_path)
    derived = pepper_of(config)
    assert derived is not None
    assert derived == pepper_of(config_for(tmp_path))
    assert config.jwt_secret is not None
    assert derived != config.jwt_secret
    own = pepper_of(config_for(tmp_path, identity_pepper="p" * 40))
    assert own is not None
    assert own.get_secret_value() == "p" * 40
    assert pepper_of(config_for(tmp_path, jwt_secret=None)) is None
    with pytest.raises(ValidationError):
        config_for(tmp_path, identity_pepper="short")


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """No representation of the configuration has a password or a client's secret."""
    provider = {"issuer": "https://login.example", "client_id": "x", "client_secret": "s3cret-of-the-client"}
    config = config_for(tmp_path, admin_password="a walrus in a hat", oidc_providers={"corp": provider})
    assert "walrus" not in repr(config) + config.model_dump_json()
    assert "s3cret" not in repr(config) + config.model_dump_json()


@pytest.mark.parametrize(
    "given",
    [
        {"default_roles": ["admin"]},
        {"tenant": "acme", "role_mapping": {"chiefs": ["viewer", "admin"]}},
        {"default_roles": ["tenant-admin"]},
        {"role_mapping": {"chiefs": ["tenant-admin"]}},
    ],
)
def test_an_outside_provider_gives_only_roles_that_may_be_given(tmp_path: Path, given: dict[str, object]) -> None:
    """Nobody of a tenant becomes an admin of the platform, nor everybody who signs in; tenant-admin is for people of a tenant."""
    provider = {"issuer": "https://login.example", "client_id": "x", **given}
    with pytest.raises(ValidationError, match="admin"):
        config_for(tmp_path, oidc_providers={"corp": provider})
