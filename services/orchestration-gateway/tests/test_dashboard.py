"""The dashboard's files: found, encoded, kept, and nothing beside them."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from maestro_core_api.testing import in_process_client
from orchestration_gateway.dashboard.files import accepted, find

from .conftest import gateway_app

PAGE = "<!doctype html><title>Dashboard</title>"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built dashboard, with a secret beside it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "robots.txt").write_text("User-agent: *")
    (folder / ".env").write_text("SECRET")
    (folder / "assets" / "index-BsD3kq2A.js").write_text("plain")
    (folder / "assets" / "index-BsD3kq2A.js.br").write_bytes(b"brotli")
    (folder / "assets" / "index-BsD3kq2A.js.gz").write_bytes(gzip.compress(b"plain"))
    (tmp_path / "secret.txt").write_text("SECRET")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def client(tmp_path: Path, built: Path) -> Iterator[TestClient]:
    with in_process_client(gateway_app(tmp_path, dashboard_dir=built), headers={}) as client:
        yield client


def test_the_page_and_its_own_routes(client: TestClient) -> None:
    """Whatever names no file is the application's page, which is asked for each time; it needs no token."""
    for path in ("/", "/dashboard", "/dashboard/", "/dashboard/runs/17", "/dashboard/index.html"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, PAGE), path
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/dashboard/missing.js").status_code == 404
    assert client.get("/dashboard/robots.txt").text == "User-agent: *"


def test_headers_that_protect_the_page(client: TestClient) -> None:
    """Nothing from elsewhere is loaded, run or framed."""
    headers = client.get("/dashboard/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("accepts", "encoding", "text"),
    [("gzip, br", "br", None), ("gzip", "gzip", "plain"), ("br;q=0, gzip;q=0.5", "gzip", "plain"), ("identity", None, "plain"), ("", None, "plain")],
)  # fmt: skip
def test_what_is_compressed_already(client: TestClient, accepts: str, encoding: str | None, text: str | None) -> None:
    """The best encoding that both have is sent; caches are told what it depends on; a hashed name is kept for ever."""
    path = "/dashboard/assets/index-BsD3kq2A.js"
    with client.stream("GET", path, headers={"accept-encoding": accepts}) as answer:
        assert answer.headers.get("content-encoding") == encoding
        raw = b"".join(answer.iter_raw())
    assert (raw == b"brotli") is (encoding == "br")
    if text is not None:
        assert (gzip.decompress(raw) if encoding == "gzip" else raw).decode() == text
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


def test_what_the_client_has_is_not_sent_again(client: TestClient) -> None:
    """A known tag is 304; HEAD is the head alone."""
    first = client.get("/dashboard/robots.txt")
    again = client.get("/dashboard/robots.txt", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head("/dashboard/robots.txt")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(first.content)))


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "%2e%2e%2fsecret.txt", "assets/../../secret.txt", "..\\secret.txt",
        "%5c..%5csecret.txt", "....//secret.txt", "%252e%252e/secret.txt", ".env", "assets/../.env", "%00.txt", "link.txt",
        "//secret.txt", "/etc/passwd", "%2fetc%2fpasswd", "x" * 5_000, "assets", "index.html%00.txt", "assets/index-BsD3kq2A.js.br",
    ],
)  # fmt: skip
def test_nothing_beside_the_dashboard_is_served(client: TestClient, path: str) -> None:
    """No way of writing a path leads out of the folder, to hidden files, through links, or to anything but its page."""
    answer = client.get(f"/dashboard/{path}")
    assert answer.status_code in {
        200,
        401,
        404,
    }  # clients take some of them to mean a path outside, which wants a token
    assert "SECRET" not in answer.text
    assert "root:" not in answer.text
    if answer.status_code == 200:
        assert answer.text == PAGE


def test_paths_are_judged_without_a_server(built: Path) -> None:
    """What a server might pass on undecoded or unnormalised is refused here too."""
    for path in (
        "../secret.txt",
        "/../secret.txt",
        "assets/../../secret.txt",
        "..",
        ".",
        "",
        "a\0b",
        "link.txt",
        str(built.parent / "secret.txt"),
    ):
        found = find(built, path, "")
        assert found is None or found.path == built / "index.html"


def test_without_a_build_a_page_says_so(tmp_path: Path) -> None:
    """The page says that the dashboard is not built, and what to set."""
    with in_process_client(gateway_app(tmp_path), headers={}) as client:
        answer = client.get("/dashboard/")
        assert answer.status_code == 200
        assert "not built" in answer.text
        assert client.get("/dashboard/app.js").status_code == 404


def test_encodings_by_preference() -> None:
    """Weights decide, then our own order; what is forbidden is not chosen."""
    assert accepted("gzip;q=1.0, br;q=0.5") == ["gzip", "br"]
    assert accepted("*") == ["br", "zstd", "gzip"]
    assert accepted("*;q=0") == []
    assert accepted("br;q=x") == []


def test_a_file_that_cannot_be_read(client: TestClient, built: Path) -> None:
    """It is as if it were not there."""
    (built / "robots.txt").unlink()
    os.mkfifo(built / "robots.txt")
    assert client.get("/dashboard/robots.txt").status_code == 404
