"""What is rendered is compared with files, byte for byte: a change of the configuration shows in review.

`MAESTRO_WRITE_GOLDEN=1 python -m pytest infrastructure/gateway/tests/test_golden.py` writes them anew.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import certifi
import pytest

from maestro_gateway import EdgeSettings, EdgeSnapshot, build_edge
from maestro_gateway.envoy import (
    clusters,
    dynamic_listener,
    endpoints,
    rest_source,
    route_configuration,
    static_configuration,
)
from maestro_gateway.kong import KongDocument, kong_document
from maestro_gateway.process import find_envoy

GOLDEN = Path(__file__).with_name("golden")


def rendered(snapshot: EdgeSnapshot, settings: EdgeSettings) -> dict[str, Any]:
    edge = build_edge(snapshot)
    return {
        "envoy-clusters": clusters(edge, rest_source(), settings),
        "envoy-endpoints": [endpoints(service) for service in edge.services],
        "envoy-routes": route_configuration(edge, settings),
        "envoy-listener": dynamic_listener(settings),
        "kong": kong_document(edge, secret="of-at-least-32-bytes-for-this-test"),
        "kong-schema": KongDocument.model_json_schema(),
    }


@pytest.mark.parametrize(
    "name", ["envoy-clusters", "envoy-endpoints", "envoy-routes", "envoy-listener", "kong", "kong-schema"]
)
def test_what_is_rendered_is_what_was_agreed(name: str, snapshot: EdgeSnapshot, settings: EdgeSettings) -> None:
    """Each document is the one in its file."""
    text = json.dumps(rendered(snapshot, settings)[name], indent=2) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("MAESTRO_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{path} is not current"


def test_rendering_is_a_function(snapshot: EdgeSnapshot, settings: EdgeSettings) -> None:
    """The order in which services and instances come makes no difference."""
    turned = EdgeSnapshot(
        services=tuple(
            service.model_copy(update={"instances": service.instances[::-1]}) for service in snapshot.services[::-1]
        )
    )
    assert rendered(turned, settings) == rendered(snapshot, settings)


def test_envoy_accepts_all_of_it(snapshot: EdgeSnapshot, settings: EdgeSettings, tmp_path: Path) -> None:
    """Envoy itself finds no fault in the whole configuration, with somebody to trust and without, with and without anybody who counts, and with TLS to services."""
    (tmp_path / "jwks.json").write_text(
        '{"keys":[{"kty":"oct","alg":"HS256","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ"}]}'
    )
    (tmp_path / "ca.pem").write_text(Path(certifi.where()).read_text())
    issuers = tuple(issuer for issuer in settings.issuers if issuer.jwks_file)
    local = settings.model_copy(
        update={
            "ca_file": str(tmp_path / "ca.pem"),
            "issuers": tuple(each.model_copy(update={"jwks_file": str(tmp_path / "jwks.json")}) for each in issuers),
        }
    )
    shop = snapshot.services[0]
    secure = [each.model_copy(update={"url": each.url.replace("http:", "https:")}) for each in shop.instances]
    named = [each.model_copy(update={"url": f"https://{each.instance_id}.shop.internal"}) for each in shop.instances]
    addressed, by_name = (
        EdgeSnapshot(services=(shop.model_copy(update={"instances": tuple(instances)}),))
        for instances in (secure, named)
    )
    socket = tmp_path / "limits.sock"
    cases = [
        (snapshot, local, socket),
        (snapshot, EdgeSettings(port=1), None),
        (addressed, local, None),
        (by_name, local, None),
    ]
    for number, (known, each, limits) in enumerate(cases):
        path = tmp_path / f"envoy-{number}.json"
        path.write_text(json.dumps(static_configuration(build_edge(known), each, limits)))
        done = subprocess.run(
            [find_envoy(), "--mode", "validate", "-c", path], check=False, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
