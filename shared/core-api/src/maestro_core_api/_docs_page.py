"""The page that shows the API to people: Swagger UI from a package's files, so that a browser loads nothing from elsewhere."""

import html
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

_ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
_PACKAGE: Final = "fastapi_offline"  # only its files are used
_SCRIPT_NAME: Final = "start.js"
# Swagger UI puts styles into its elements and pictures into its style sheet; beyond that everything is the service's own.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY}
_ASSET_HEADERS: Final = {"Cache-Control": "public, max-age=3600"}
_SCRIPT: Final = """\
const page = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: page.dataset.document,
  domNode: page,
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{base}/favicon.png">
<link rel="stylesheet" href="{base}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-document="{document}"></div>
<noscript>This page needs JavaScript; the document itself is at <a href="{document}">{document}</a>.</noscript>
<script src="{base}/swagger-ui-bundle.js"></script>
<script src="{base}/start.js"></script>
</body>
</html>
"""


def docs_paths(path: str) -> frozenset[str]:
    """Return every path that the page consists of.

    Args:
        path: Path of the page.

    Returns:
        The page and its parts.
    """
    return frozenset({path, *(f"{path}/{name}" for name in (*_ASSETS, _SCRIPT_NAME))})


def add_docs_page(app: FastAPI, path: str) -> None:
    """Add the page to an application that has an OpenAPI document.

    Args:
        app: The application.
        path: Path of the page.
    """

    async def page(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        body = _PAGE.format(
            title=html.escape(app.title),
            base=html.escape(root + path),
            document=html.escape(root + (app.openapi_url or "")),
        )
        return Response(body, media_type="text/html", headers=_HEADERS)

    async def script(request: Request) -> Response:
        return Response(_SCRIPT, media_type="text/javascript", headers=_ASSET_HEADERS)

    app.add_route(path, page, include_in_schema=False)
    app.add_route(f"{path}/{_SCRIPT_NAME}", script, include_in_schema=False)
    for name, media_type in _ASSETS.items():
        _add_asset(app, f"{path}/{name}", name, media_type)


def _add_asset(app: FastAPI, path: str, name: str, media_type: str) -> None:
    def asset(request: Request) -> Response:
        # A plain function, which runs in a thread: reading a megabyte is nothing for the event loop.
        body = files(_PACKAGE).joinpath("static", name).read_bytes()
        return Response(body, media_type=media_type, headers=_ASSET_HEADERS)

    app.add_route(path, asset, include_in_schema=False)
