"""Listings in pages, read as one."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import httpx2

from maestro_core_api._exceptions import BadGatewayException

from ._call import Headers, Params

_CURSOR = "cursor"
_NEXT = "next_cursor"


async def items_of_pages(
    get: Callable[..., Awaitable[httpx2.Response]],
    url: str,
    *,
    items: str,
    headers: Headers | None,
    params: Params | None,
) -> AsyncGenerator[Any]:
    """Read a listing; see `APIClient.pages`.

    Args:
        get: Asks for a page.
        url: Of the listing.
        items: Member of a page that holds the items.
        headers: Further headers.
        params: Query parameters of every page.

    Yields:
        One item after the other.

    Raises:
        BadGatewayException: An answer is no page, or its cursor leads back to itself.
    """
    query = dict(params or {})
    while True:
        page = _page((await get(url, headers=headers, params=query)), url, items)
        for item in page[items]:
            yield item
        following = page.get(_NEXT)
        if following is None:
            return
        if following == query.get(_CURSOR):
            raise BadGatewayException(
                detail=f"GET {url}: the page after cursor {following!r} has the same {_NEXT}", error_code="PAGES_REPEAT"
            )
        query[_CURSOR] = following


def _page(answer: httpx2.Response, url: str, items: str) -> dict[str, Any]:
    try:
        page = answer.json()
    except ValueError:
        page = None
    if not isinstance(page, dict) or not isinstance(page.get(items), list):
        raise BadGatewayException(
            detail=f"GET {url}: the answer is no object with a list {items!r}; pages(…, items=…) names the member",
            error_code="NOT_A_PAGE",
        )
    return page
