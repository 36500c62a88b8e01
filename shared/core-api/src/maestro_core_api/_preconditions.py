"""Conditional requests (RFC 9110, 13): not sending what the caller has, not changing what the caller has not seen."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ._etag import matches_strongly, matches_weakly, tags_of
from ._exceptions import APIException, PreconditionFailedException

_SAFE: Final = frozenset({"GET", "HEAD"})
# The framework's own answer to caches is "no-store", with which nobody could keep what a tag is for.
_ASK_EACH_TIME: Final = {"Cache-Control": "private, no-cache"}


class Preconditions:
    """The conditions of a request; `preconditions` and `require_if_match` give them.

    Attributes:
        if_match: Tags of which one must be the current one; None when the caller does not mind.
        if_none_match: Tags of which none may be the current one; None when the caller does not mind.
    """

    def __init__(self, request: Request, response: Response) -> None:
        self._safe = request.method in _SAFE
        self._response = response
        self.if_match = _read(request, "if-match")
        self.if_none_match = _read(request, "if-none-match")

    def check(self, current: str | None) -> None:
        """Go on only when the conditions hold, and tell the caller the tag. Call it before anything is changed.

        Args:
            current: Tag of the representation as it is now (`etag`); None when the thing does not exist.

        Raises:
            HTTPException: 304; a GET or HEAD whose caller has the current representation.
            PreconditionFailedException: 412; the thing is not in the state that the request names.
        """
        if self.if_match is not None and not matches_strongly(self.if_match, current):
            raise _failed("if-match", current)
        if self.if_none_match is not None and matches_weakly(self.if_none_match, current):
            if self._safe:
                assert current is not None
                raise HTTPException(304, headers={"ETag": current, **_ASK_EACH_TIME})
            raise _failed("if-none-match", current)
        if self._safe and current is not None:
            self._response.headers["ETag"] = current
            for name, value in _ASK_EACH_TIME.items():
                self._response.headers.setdefault(name, value)

    def changed(self, current: str) -> None:
        """Tell the caller the tag of what it has just made or changed.

        Args:
            current: Tag of the representation as it is now.
        """
        self._response.headers["ETag"] = current


async def preconditions(request: Request, response: Response) -> Preconditions:
    """Give an endpoint its caller's conditions, as `conditions: Preconditions = Depends(preconditions)`.

    Args:
        request: Filled in by FastAPI.
        response: Filled in by FastAPI.

    Returns:
        The conditions.

    Raises:
        APIException: 400 PRECONDITION_INVALID; a header is no list of entity tags.
    """
    return Preconditions(request, response)


async def require_if_match(request: Request, response: Response) -> Preconditions:
    """Give an endpoint its caller's conditions, and refuse requests without `If-Match` (RFC 6585, 3).

    Args:
        request: Filled in by FastAPI.
        response: Filled in by FastAPI.

    Returns:
        The conditions.

    Raises:
        APIException: 428 PRECONDITION_REQUIRED; there is no `If-Match`.
    """
    conditions = Preconditions(request, response)
    if conditions.if_match is None:
        raise APIException(
            "A precondition is required",
            detail="read it first, and send its ETag as 'If-Match', so that nobody's change is lost",
            status_code=428,
            error_code="PRECONDITION_REQUIRED",
            rule="if-match-required",
        )
    return conditions


def _read(request: Request, name: str) -> list[str] | None:
    lines = request.headers.getlist(name)
    if not lines:
        return None
    tags = tags_of(", ".join(lines))
    if tags is None or not tags:
        raise APIException(
            "A condition of the request is not valid",
            detail=f'{name} must be a list of entity tags ("…", "…") or *',
            status_code=400,
            error_code="PRECONDITION_INVALID",
            errors=[{"path": f"header.{name}", "message": "is not a list of entity tags"}],
        )
    return tags


def _failed(header: str, current: str | None) -> PreconditionFailedException:
    return PreconditionFailedException(
        detail="it does not exist"
        if current is None
        else "it is not in the state that the request names; read it again",
        rule=header,
        current_etag=current,
        headers={} if current is None else {"ETag": current},
    )
