"""Listings in pages: each item once, however many are added meanwhile."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Query
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ._cursor import CursorCodec, CursorRefusedError
from ._exceptions import APIException

_Item = TypeVar("_Item")
_Position = TypeVar("_Position")
_Other = TypeVar("_Other")
_MARK: Final = "__maestro_paging__"
_OWN: Final = frozenset({"cursor", "limit"})


class Page(BaseModel, Generic[_Item]):
    """A part of a listing."""

    items: list[_Item] = Field(description="The items of this page.")
    next_cursor: str | None = Field(default=None, description="Where the next page begins; absent after the last one.")


class Paging(Generic[_Position]):
    """Which page an endpoint is asked for; `paging` gives it.

    Attributes:
        limit: How many items the caller wants.
        after: Position of the last item that the caller has; None for the first page.
    """

    def __init__(
        self,
        request: Request,
        response: Response,
        *,
        limit: int,
        after: _Position | None,
        positions: TypeAdapter[_Position],
    ) -> None:
        self.limit = limit
        self.after = after
        self._request = request
        self._response = response
        self._positions = positions

    @property
    def fetch(self) -> int:
        """How many items to read from the storage: one more than the page has, which tells whether there is a next page."""
        return self.limit + 1

    def page(self, found: Sequence[_Other], position: Callable[[_Other], _Position]) -> Page[_Other]:
        """Make the page, and a `Link` header (RFC 8288) to the next one.

        Args:
            found: Up to `fetch` items after `after`, in the order of their positions.
            position: Tells an item's position. No two items may share one: end it with an id. It must not change.

        Returns:
            The page.
        """
        items = list(found[: self.limit])
        if len(found) <= self.limit:
            return Page(items=items)
        at = self._positions.dump_python(position(items[-1]), mode="json")
        cursor = _codec(self._request).encode(at, _listing(self._request))
        query = [(name, value) for name, value in _query(self._request) if name not in _OWN]
        query += [("limit", str(self.limit)), ("cursor", cursor)]
        # Relative to the request's own address, which has a prefix more in front of a gateway.
        self._response.headers.append("Link", f'<?{urlencode(query)}>; rel="next"')
        return Page(items=items, next_cursor=cursor)


def paging(
    position: type[_Position], *, default: int = 50, most: int = 200
) -> Callable[..., Coroutine[Any, Any, Paging[_Position]]]:
    """Make a dependency that reads `limit` and `cursor`.

    Example:
        OrderPaging = Annotated[Paging[tuple[datetime, str]], Depends(paging(tuple[datetime, str]))]

        @app.get("/orders")
        async def orders(paging: OrderPaging) -> Page[Order]:
            found = await storage.orders_after(paging.after, limit=paging.fetch)  # … WHERE (created_at, id) > after
            return paging.page(found, lambda order: (order.created_at, order.id))

    Args:
        position: Type of the positions of items; a cursor with anything else in it is refused.
        default: How many items a page has when the caller does not say.
        most: How many it may have; more is a 422.

    Returns:
        The dependency; it answers 400 CURSOR_INVALID to a cursor that was not given out for this path and these filters.
    """
    positions: TypeAdapter[_Position] = TypeAdapter(position)

    async def read_paging(
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=most, description="How many items at most.")] = default,
        cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    ) -> Paging[_Position]:
        after: _Position | None = None
        if cursor is not None:
            try:
                after = positions.validate_python(_codec(request).decode(cursor, _listing(request)))
            except (CursorRefusedError, ValidationError) as error:
                raise APIException(
                    "The cursor is not valid",
                    detail="use next_cursor as it was given, with the same path and filters; or begin without a cursor",
                    status_code=400,
                    error_code="CURSOR_INVALID",
                    errors=[{"path": "query.cursor", "message": "was not given out for this listing"}],
                ) from error
        return Paging(request, response, limit=limit, after=after, positions=positions)

    setattr(read_paging, _MARK, True)
    return read_paging


def is_paging(dependency: object) -> bool:
    """Tell whether a dependency was made by `paging`.

    Args:
        dependency: A dependency of an endpoint.

    Returns:
        True when it was.
    """
    return getattr(dependency, _MARK, False) is True


def _codec(request: Request) -> CursorCodec:
    codec = request.app.protection.cursors
    assert isinstance(codec, CursorCodec)
    return codec


def _listing(request: Request) -> str:
    """Return what is listed: the path and the filters, in an order that does not depend on how they were sent."""
    filters = sorted((name, value) for name, value in _query(request) if name not in _OWN)
    return f"{request.url.path}?{urlencode(filters)}"


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)
