from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dependency_review import DistributionNotFoundError, read_license_texts, take_inventory
from dependency_review.license_texts import MOST_BYTES, MOST_BYTES_IN_ALL, MOST_FILES, decode


def test_real_environment_can_be_read() -> None:
    """Every distribution of the environment that runs this test can be read within the limits, each text once."""
    for distribution in take_inventory().distributions:
        found = read_license_texts(distribution.metadata_path)
        contents = [text.text for text in found.texts]
        assert len(contents) == len(set(contents))
        assert sum(map(len, contents)) <= MOST_BYTES_IN_ALL
        assert [text.name for text in found.texts] == sorted(text.name for text in found.texts)


def test_files_are_found_where_tools_put_them(site: Any) -> None:
    """Texts are found under licenses/, beside the metadata and where License-File says; other files are left alone."""
    folder = site.install(
        "spread", "1.0", "License-File: LEGAL.txt", "License-File: deep/AUTHORS",
        files={
            "licenses/LICENSE": "one", "licenses/vendored/x/COPYING": "two", "licenses/deep/AUTHORS": "three",
            "LICENCE.md": "four", "Notice": "five", "LEGAL.txt": "six", "sboms/bom.json": "{}", "RECORD": "",
        },
    )  # fmt: skip
    found = read_license_texts(str(folder))
    assert {text.name: text.text for text in found.texts} == {
        "licenses/LICENSE": "one", "licenses/vendored/x/COPYING": "two", "licenses/deep/AUTHORS": "three",
        "LICENCE.md": "four", "Notice": "five", "LEGAL.txt": "six",
    }  # fmt: skip
    assert found.notes == ()


def test_package_files_stand_in(site: Any) -> None:
    """Without texts beside the metadata those of the top-level package are read, but no code and nothing deeper."""
    folder = site.install("inner", "1.0")
    for path in ("inner/LICENSE.txt", "inner/license.py", "inner/vendor/LICENSE"):
        target = site.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path)
    (folder / "RECORD").write_text("inner/LICENSE.txt,,\ninner/license.py,,\ninner/vendor/LICENSE,,\n../../LICENSE,,\n")
    assert [text.name for text in read_license_texts(str(folder)).texts] == ["inner/LICENSE.txt"]


@pytest.mark.parametrize("name", ["../../../secret", "/etc/passwd", "..", "licenses/../../outside"])
def test_nothing_outside_is_read(site: Any, tmp_path: Path, name: str) -> None:
    """Metadata cannot lead out of the distribution's own folder."""
    (tmp_path / "secret").write_text("secret")
    (site.folder / "outside").write_text("secret")
    folder = site.install("hostile", "1.0", f"License-File: {name}")
    found = read_license_texts(str(folder))
    assert found.texts == ()
    assert found.notes == (f"License-File {name!r} is missing",)


def test_link_that_leads_outside_is_not_followed(site: Any, tmp_path: Path) -> None:
    """A symbolic link among the licence files does not open other files."""
    (tmp_path / "secret").write_text("secret")
    folder = site.install("linked", "1.0", files={"licenses/LICENSE": "own"})
    (folder / "licenses" / "LICENSE-2").symlink_to(tmp_path / "secret")
    assert [text.text for text in read_license_texts(str(folder)).texts] == ["own"]


def test_same_content_is_given_once(site: Any) -> None:
    """A text that is shipped under two names is read once."""
    folder = site.install("twice", "1.0", files={"LICENSE": "same", "licenses/LICENSE": "same"})
    assert len(read_license_texts(str(folder)).texts) == 1


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("J\xf6rg \u201cquoted\u201d".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "J\xf6rg \u201cquoted\u201d".encode(), "utf-8-sig"),
        ("J\xf6rg \u201cquoted\u201d".encode("utf-16"), "utf-16"),
        ("J\xf6rg \u201cquoted\u201d".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings(data: bytes, encoding: str) -> None:
    """Texts in the encodings that occur are read as they were meant."""
    assert decode(data) == ("J\xf6rg \u201cquoted\u201d", encoding)


def test_line_ends_are_plain() -> None:
    """Line ends of every system become line feeds."""
    assert decode(b"a\r\nb\rc\n") == ("a\nb\nc\n", "utf-8")


@given(st.binary(max_size=200))
def test_any_bytes_can_be_decoded(data: bytes) -> None:
    """Whatever the bytes are, the answer is text that JSON can carry, or none."""
    decoded = decode(data)
    if decoded is not None:
        assert decoded[0].encode().decode() == decoded[0]
        assert "\0" not in decoded[0]


def test_what_is_no_text_is_noted(site: Any) -> None:
    """A binary file is left out with a note; a blank one without."""
    folder = site.install("binary", "1.0", files={"LICENSE": b"%PDF\0\xff\0", "NOTICE": b" \n"})
    found = read_license_texts(str(folder))
    assert found.texts == ()
    assert found.notes == ("LICENSE is no text",)


def test_long_files_are_cut_at_a_line(site: Any) -> None:
    """A huge file is read up to the limit, to a whole line, with a note."""
    line = "\N{SNOWMAN}" * 33 + "\n"
    folder = site.install("long", "1.0", files={"LICENSE": line * (MOST_BYTES // 90)})
    found = read_license_texts(str(folder))
    (text,) = found.texts
    assert len(text.text.encode()) <= MOST_BYTES
    assert text.text == line * (len(text.text) // len(line))
    assert found.notes == (f"LICENSE was read up to {MOST_BYTES} bytes",)


def test_all_files_together_are_bounded(site: Any) -> None:
    """However many files there are, and however long, what is read stays within the limits, and the rest is noted."""
    many = {f"licenses/{number:03}": f"text {number}" for number in range(MOST_FILES + 5)}
    found = read_license_texts(str(site.install("many", "1.0", files=many)))
    assert (len(found.texts), len(found.notes)) == (MOST_FILES, 5)
    huge = {f"licenses/{number}": f"{number}\n" * MOST_BYTES for number in range(4)}
    found = read_license_texts(str(site.install("huge", "1.0", files=huge)))
    assert sum(len(text.text) for text in found.texts) <= MOST_BYTES_IN_ALL
    assert any("was not read" in note for note in found.notes)


def test_egg_info_file_has_no_texts(site: Any) -> None:
    """Metadata that is a single file ships no texts."""
    path = site.folder / "single.egg-info"
    path.write_text("Name: single\nVersion: 1.0\n")
    assert read_license_texts(str(path)).texts == ()


@pytest.mark.parametrize("name", ["plain-folder", "gone-1.0.dist-info"])
def test_other_folders_are_refused(site: Any, name: str) -> None:
    """Only the metadata of an installed distribution is read."""
    (site.folder / "plain-folder").mkdir()
    (site.folder / "plain-folder" / "METADATA").write_text("Name: x\nVersion: 1\n")
    with pytest.raises(DistributionNotFoundError) as caught:
        read_license_texts(str(site.folder / name))
    assert caught.value.path.endswith(name)
