"""The dashboard over HTTP."""

from email.utils import formatdate
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from maestro_core_api import NotFoundException, public, weak_etag
from orchestration_gateway.state import TheState

from .files import Found, find

router = APIRouter(tags=["dashboard"])
_HEADERS: Final = {
    # Everything comes from here, and nothing runs that was not built: what gets into the page as data stays data.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self' blob:; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ABSENT: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>MAESTRO</title>
<h1>The dashboard is not built</h1>
<p>This gateway serves it from the folder that the setting <code>dashboard_dir</code> names, where its build is put.</p>
</html>
"""


@router.get("/", include_in_schema=False)
@public
async def root() -> Response:
    """Lead to the dashboard; relative, so that it works behind a prefix too."""
    return RedirectResponse("dashboard/", headers=_HEADERS)


@router.api_route("/dashboard", methods=["GET", "HEAD"], include_in_schema=False)
@public
async def without_slash(request: Request) -> Response:
    """Lead to the dashboard's folder."""
    return RedirectResponse("dashboard/", headers=_HEADERS)


@router.api_route("/dashboard/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
@public
async def dashboard(path: str, request: Request, state: TheState) -> Response:
    """Serve a file of the dashboard, or its page for the routes of its own."""
    folder: Path | None = state.config.dashboard_dir
    found: Found | None = None
    if folder is not None:
        found = await to_thread.run_sync(find, folder, path, request.headers.get("accept-encoding", ""))
    if found is None:
        if folder is None or not await to_thread.run_sync((folder / "index.html").is_file):
            return Response(_ABSENT, 404 if path else 200, {**_HEADERS, "Cache-Control": "no-cache"}, "text/html")
        raise NotFoundException(detail="the dashboard has no such file", headers=_HEADERS)
    try:
        content, modified = await to_thread.run_sync(_read, found.path)
    except OSError as error:
        raise NotFoundException(detail="the dashboard has no such file", headers=_HEADERS) from error
    return _answer(request, found, content, modified)


def _read(path: Path) -> tuple[bytes, float]:
    return path.read_bytes(), path.stat().st_mtime


def _answer(request: Request, found: Found, content: bytes, modified: float) -> Response:
    tag = weak_etag(f"{int(modified * 1_000)}-{len(content)}")
    headers: dict[str, Any] = {
        **_HEADERS,
        "Cache-Control": found.cache_control,
        "ETag": tag,
        "Last-Modified": formatdate(modified, usegmt=True),
        "Vary": "Accept-Encoding",
    }
    if found.encoding is not None:
        headers["Content-Encoding"] = found.encoding
    known = {each.strip() for each in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = found.media_type
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(content))})
    return Response(content, headers=headers)
