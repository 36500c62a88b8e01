from typing import Annotated, Any

import pytest
from fastapi import Depends, HTTPException
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI, Preconditions, etag, preconditions, require_if_match, weak_etag
from maestro_core_api._etag import matches_strongly, matches_weakly, tags_of


class Shelf:
    """An application with one thing that has versions."""

    def __init__(self, app: MaestroAPI) -> None:
        self.version: int | None = 1

        @app.get("/thing")
        async def read(conditions: Annotated[Preconditions, Depends(preconditions)]) -> dict[str, Any]:
            if self.version is None:
                raise HTTPException(404)
            conditions.check(etag(self.version))
            return {"version": self.version}

        @app.put("/thing")
        async def write(conditions: Annotated[Preconditions, Depends(preconditions)]) -> dict[str, Any]:
            conditions.check(None if self.version is None else etag(self.version))
            self.version = (self.version or 0) + 1
            conditions.changed(etag(self.version))
            return {"version": self.version}

        @app.delete("/thing", status_code=204)
        async def remove(conditions: Annotated[Preconditions, Depends(require_if_match)]) -> None:
            conditions.check(None if self.version is None else etag(self.version))
            self.version = None


@pytest.fixture
def shelf(app: MaestroAPI) -> Shelf:
    """The application with the thing."""
    return Shelf(app)


def test_what_the_caller_has_is_not_sent_again(shelf: Shelf, client: TestClient) -> None:
    """A GET with the current tag is a 304 without a body; with an old one the representation comes, with its tag."""
    answer = client.get("/thing")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"1"', "private, no-cache")
    same = client.get("/thing", headers={"If-None-Match": '"0", W/"1"'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    assert same.headers["cache-control"] == "private, no-cache"
    assert "x-request-id" in same.headers
    assert client.get("/thing", headers={"If-None-Match": "*"}).status_code == 304
    shelf.version = 2
    assert client.get("/thing", headers={"If-None-Match": '"1"'}).json() == {"version": 2}


def test_nobody_s_change_is_lost(shelf: Shelf, client: TestClient) -> None:
    """Of two callers who read the same version, the second to write is a 412 that tells the current tag."""
    tag = client.get("/thing").headers["etag"]
    first = client.put("/thing", headers={"If-Match": tag})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    second = client.put("/thing", headers={"If-Match": tag})
    document = second.json()
    assert (second.status_code, document["error_code"], document["rule"]) == (412, "PRECONDITION_FAILED", "if-match")
    assert document["current_etag"] == second.headers["etag"] == '"2"'
    assert shelf.version == 2


def test_a_thing_is_created_once(shelf: Shelf, client: TestClient) -> None:
    """If-None-Match: * lets a PUT through only when there is nothing yet, If-Match: * only when there is something."""
    refused = client.put("/thing", headers={"If-None-Match": "*"})
    assert (refused.status_code, refused.json()["rule"]) == (412, "if-none-match")
    shelf.version = None
    assert client.put("/thing", headers={"If-Match": "*"}).status_code == 412
    assert client.put("/thing", headers={"If-None-Match": "*"}).status_code == 200
    assert client.put("/thing", headers={"If-Match": "*"}).status_code == 200


def test_a_precondition_can_be_required(shelf: Shelf, client: TestClient) -> None:
    """Without If-Match such a request is a 428 that says what to do."""
    refused = client.delete("/thing")
    assert (refused.status_code, refused.json()["error_code"]) == (428, "PRECONDITION_REQUIRED")
    assert "If-Match" in refused.json()["detail"]
    assert client.delete("/thing", headers={"If-Match": '"1"'}).status_code == 204


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["1", '"1', '"1" "2"', "W/1", '"a b"', "", ",", '*, "1"', 'w/"1"'])
def test_a_condition_that_cannot_be_read_is_refused(shelf: Shelf, client: TestClient, header: str, value: str) -> None:
    """A condition that is no list of tags is a 400: guessing could lose a change."""
    refused = client.put("/thing", headers={header: value})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "PRECONDITION_INVALID")
    assert shelf.version == 1


def test_weak_tags_do_not_guard_changes() -> None:
    """If-Match compares strongly, If-None-Match weakly (RFC 9110, table 3)."""
    for tag, current, strong, weak in [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
    ]:
        assert matches_strongly([tag], current) is strong
        assert matches_weakly([tag], current) is weak


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.text(st.characters(min_codepoint=0x23, max_codepoint=0x7E)),
            st.sampled_from([",", ", ", " ,", ",,"]),
        ),
        min_size=1,
    )
)
def test_lists_of_tags_are_read(parts: list[tuple[bool, str, str]]) -> None:
    """Tags may hold commas, and lists blanks and empty members."""
    tags = [f'{"W/" if weak else ""}"{text}"' for weak, text, _ in parts]
    header = "".join(tag + separator for tag, (_, _, separator) in zip(tags, parts, strict=True))
    assert tags_of(header) == tags


def test_tags_are_made_of_versions_or_of_bytes() -> None:
    """A version is its own tag, bytes are hashed, and what a tag cannot hold is refused."""
    assert etag(7) == '"7"'
    assert weak_etag("v7") == 'W/"v7"'
    assert etag(b"abc") == etag(b"abc") != etag(b"abd")
    for bad in ('a"b', "a b", "a\n", "é" * 2 + "\u20ac"):
        with pytest.raises(ValueError, match="entity tag"):
            etag(bad)
