"""The write-ahead log beside a journal: whether SQLite, which stops at the first frame that does not add up, sees all of it.

The format is that of https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct(">IIIIIIII")  # magic, version, page size, checkpoint, two salts, two sums
_FRAME = struct.Struct(">IIIIII")  # page, pages after a commit or 0, two salts, two sums
_MAGICS = {0x377F0682: "<", 0x377F0683: ">"}


def lost_commits(log: Path) -> str | None:
    """Tell what a write-ahead log has lost.

    Args:
        log: The log; it need not be there.

    Returns:
        In words; None when everything that was committed to it can be read.
    """
    data = log.read_bytes() if log.exists() else b""
    if not data:
        return None
    if len(data) < _HEADER.size:
        return "the write-ahead log is cut off in its header"
    magic, _, page_size, _, salt_1, salt_2, *sums = _HEADER.unpack_from(data)
    order = _MAGICS.get(magic)
    if order is None or _checksum(data[: _HEADER.size - 8], order, (0, 0)) != tuple(sums):
        return "the header of the write-ahead log is damaged; nothing that it held can be read"
    running, broken, lost = tuple(sums), False, 0
    for start in range(_HEADER.size, len(data) - _FRAME.size - page_size + 1, _FRAME.size + page_size):
        _, commit, frame_salt_1, frame_salt_2, *frame_sums = _FRAME.unpack_from(data, start)
        if (frame_salt_1, frame_salt_2) != (salt_1, salt_2):
            if not broken and _has_frames_after(data, start, page_size, (salt_1, salt_2)):
                broken = True  # a damaged salt amid frames of this generation
                continue
            if not broken:
                return None  # what follows is of an earlier generation, and was moved into the journal long ago
            continue
        if not broken:
            body = data[start + _FRAME.size : start + _FRAME.size + page_size]
            running = _checksum(data[start : start + 8] + body, order, running)
            broken = running != tuple(frame_sums)
        lost += broken and commit > 0
    if not lost:
        return None
    return f"the write-ahead log is damaged; {lost} commit(s) at its end cannot be read"


def _has_frames_after(data: bytes, start: int, page_size: int, salts: tuple[int, int]) -> bool:
    following = start + _FRAME.size + page_size
    return len(data) >= following + _FRAME.size and _FRAME.unpack_from(data, following)[2:4] == salts


def _checksum(data: bytes, order: str, before: tuple[int, ...]) -> tuple[int, int]:
    first, second = before
    for left, right in struct.iter_unpack(f"{order}II", data):
        first = (first + left + second) & 0xFFFF_FFFF
        second = (second + right + first) & 0xFFFF_FFFF
    return first, second
