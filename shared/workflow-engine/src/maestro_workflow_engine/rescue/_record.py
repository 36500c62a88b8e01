"""Rows as SQLite lays them down in a page: cells, varints, records.

The format is that of https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR = 13, 10, 2
_HEADER_SIZES = {TABLE_LEAF: 8, INDEX_LEAF: 8, INDEX_INTERIOR: 12}
_INT_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Value = int | str | bytes | None


class RecordError(Exception):
    """What stands there is no record; the page is damaged, or is none of a table."""


def cells(page: bytes, *, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yield each cell of a page that holds rows.

    Args:
        page: The page.
        start: Where its header begins: 100 on the first page.

    Yields:
        The cell's row id (0 in an index), the size of its payload, and where that begins in the page.
    """
    kind = page[start]
    header = _HEADER_SIZES.get(kind)
    if header is None:
        return
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    for index in range(count):
        pointer = start + header + 2 * index
        at = int.from_bytes(page[pointer : pointer + 2], "big")
        try:
            size, at = varint(page, at + 4 if kind == INDEX_INTERIOR else at)
            row_id, at = varint(page, at) if kind == TABLE_LEAF else (0, at)
        except RecordError:
            continue
        yield row_id, size, at


def local_size(kind: int, size: int, usable: int) -> int:
    """Return how much of a payload lies in the page itself; the rest is in overflow pages."""
    most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    share = least + (size - least) % (usable - 4)
    return share if share <= most else least


def payload(page: bytes, at: int, size: int, usable: int, *, start: int, read: Callable[[int], bytes]) -> bytes:
    """Put a payload together.

    Args:
        page: The page that it begins in.
        at: Where it begins.
        size: Its size.
        usable: How much of a page is used.
        start: Where the page's header begins.
        read: Reads a page by its number.

    Raises:
        RecordError: It leads out of the page or the file, or in a circle.
    """
    local = local_size(page[start], size, usable)
    parts = [page[at : at + local]]
    left = size - local
    following = int.from_bytes(page[at + local : at + local + 4], "big") if left > 0 else 0
    seen: set[int] = set()
    while left > 0:
        if following in seen:
            raise RecordError
        seen.add(following)
        overflow = read(following)
        parts.append(overflow[4 : 4 + min(left, usable - 4)])
        left -= usable - 4
        following = int.from_bytes(overflow[:4], "big")
    whole = b"".join(parts)
    if len(whole) != size:
        raise RecordError
    return whole


def values(record: bytes) -> list[Value]:
    """Return the columns of a record; numbers with a fraction come as None.

    Raises:
        RecordError: It is none.
    """
    header_size, at = varint(record, 0)
    if not at <= header_size <= len(record):
        raise RecordError
    body = header_size
    found: list[Value] = []
    while at < header_size:
        serial, at = varint(record, at)
        value, length = _value(record, body, serial)
        found.append(value)
        body += length
    if body != len(record):
        raise RecordError
    return found


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer and where the next thing begins.

    Raises:
        RecordError: The data ends within it.
    """
    number = 0
    for index in range(9):
        if at + index >= len(data):
            raise RecordError
        byte = data[at + index]
        if index == 8:
            return (number << 8) | byte, at + 9
        number = (number << 7) | (byte & 0x7F)
        if byte < 0x80:
            return number, at + index + 1
    raise RecordError  # not reached: the ninth byte always ends it


def _value(record: bytes, at: int, serial: int) -> tuple[Value, int]:
    if serial in (8, 9):
        return serial - 8, 0
    if serial == 0:
        return None, 0
    if serial in _INT_SIZES:
        length = _INT_SIZES[serial]
        return int.from_bytes(record[at : at + length], "big", signed=True), length
    if serial == 7:
        return None, 8
    if serial < 12:
        raise RecordError
    length = (serial - 12) // 2
    raw = record[at : at + length]
    if len(raw) != length:
        raise RecordError
    return (raw.decode(errors="replace") if serial % 2 else raw), length
