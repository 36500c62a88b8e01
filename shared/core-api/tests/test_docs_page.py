import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI


def test_the_page_loads_nothing_from_elsewhere(anonymous: TestClient) -> None:
    """Every script, style and picture of the page comes from the service, with its type, and the policy allows no other."""
    page = anonymous.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    parts = re.findall(r'(?:src|href|data-document)="([^"]+)"', page.text)
    assert len(parts) == 6
    for part in parts:
        assert part.startswith("/")
        answer = anonymous.get(part)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text
    assert anonymous.get("/docs/swagger-ui-bundle.js").headers["content-type"].startswith("text/javascript")
    assert "SwaggerUIBundle(" in anonymous.get("/docs/start.js").text


def test_the_title_cannot_break_out(make_app: Callable[..., MaestroAPI]) -> None:
    """What a service is called is text and no markup."""
    page = TestClient(make_app(title="<script>alert(1)</script>")).get("/docs").text
    assert "<script>alert" not in page


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/openapi.json"])
def test_elsewhere_than_in_development_it_wants_a_token(make_app: Callable[..., MaestroAPI], path: str) -> None:
    """In production neither the page nor the document is open."""
    assert TestClient(make_app(environment="production")).get(path).status_code == 401


def test_behind_a_prefix_the_page_finds_its_parts(app: MaestroAPI, auth: Callable[..., dict[str, str]]) -> None:
    """A gateway's prefix is part of every address."""
    page = TestClient(app, root_path="/orders", headers=auth("viewer")).get("/orders/docs").text
    assert 'src="/orders/docs/start.js"' in page
    assert 'data-document="/orders/openapi.json"' in page


def test_the_page_can_be_moved_and_left_out(secret: str) -> None:
    """`docs_url` means what it means in FastAPI."""
    from maestro_core_api import APIConfig

    config = APIConfig(title="Orders", service_name="orders")
    assert TestClient(MaestroAPI(config, docs_url="/manual")).get("/manual").status_code == 200
    assert TestClient(MaestroAPI(config, docs_url=None)).get("/docs").status_code == 401
    assert TestClient(MaestroAPI(config, openapi_url=None)).get("/docs").status_code == 401
