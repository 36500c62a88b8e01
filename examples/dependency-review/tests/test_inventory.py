from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from dependency_review import EnvironmentNotFoundError, FindingKind, Inventory, take_inventory


def _kinds(inventory: Inventory) -> list[FindingKind]:
    return [finding.kind for finding in inventory.findings]


def test_real_environment_is_listed_in_full() -> None:
    """Of the environment that runs this test every distribution is listed exactly once, sorted, as Python sees it."""
    inventory = take_inventory()
    keys = [distribution.key for distribution in inventory.distributions]
    assert keys == sorted(set(keys))
    seen_by_python = {canonicalize_name(found.name) for found in importlib.metadata.distributions() if found.name}
    assert set(keys) == seen_by_python
    for distribution in inventory.distributions:
        assert distribution.version == importlib.metadata.version(distribution.name)
        assert Path(distribution.metadata_path).exists()
        assert len(distribution.legacy_license or "") < 210


def test_inventory_is_the_same_each_time() -> None:
    """Two inventories of one environment are equal."""
    assert take_inventory() == take_inventory()


def test_declarations_are_read(site: Any) -> None:
    """The declared expression is normalised; legacy fields are kept beside it."""
    site.install(
        "Some_Project", "1.0", "License-Expression: mit or apache-2.0", "License: see below",
        "Classifier: License :: OSI Approved :: MIT License", "Classifier: Topic :: Software Development",
    )  # fmt: skip
    inventory = take_inventory([str(site.folder)])
    (found,) = inventory.distributions
    assert (found.name, found.key, found.version) == ("Some_Project", "some-project", "1.0")
    assert (found.declared, found.declared_as) == ("MIT OR Apache-2.0", "mit or apache-2.0")
    assert found.legacy_license == "see below"
    assert found.classifiers == ("License :: OSI Approved :: MIT License",)
    assert inventory.findings == ()
    assert inventory.paths == (str(site.folder),)


def test_legacy_field_that_holds_a_whole_text_is_cut(site: Any) -> None:
    """Of a licence text in the License field the first line is kept."""
    site.install("long", "1.0", "License: Copyright somebody", "        and a whole licence", "        follows")
    (found,) = take_inventory([str(site.folder)]).distributions
    assert found.legacy_license == "Copyright somebody …"


@pytest.mark.parametrize("declared", ["MIT License", "MIT AND", "Apache 2", "\N{SNOWMAN}"])
def test_invalid_expression_is_a_finding(site: Any, declared: str) -> None:
    """An expression that is none is reported with its text; the distribution stays in the inventory."""
    site.install("odd", "1.0", f"License-Expression: {declared}")
    inventory = take_inventory([str(site.folder)])
    (found,) = inventory.distributions
    assert (found.declared, found.declared_as) == (None, declared)
    assert _kinds(inventory) == [FindingKind.INVALID_EXPRESSION]
    assert inventory.findings[0].subject == "odd"


def test_expression_that_is_given_twice_is_a_finding(site: Any) -> None:
    """Two declared expressions are none: which one holds is not clear."""
    site.install("two", "1.0", "License-Expression: MIT", "License-Expression: ISC")
    inventory = take_inventory([str(site.folder)])
    assert inventory.distributions[0].declared is None
    assert inventory.distributions[0].declared_as == "MIT | ISC"
    assert _kinds(inventory) == [FindingKind.INVALID_EXPRESSION]


def test_broken_metadata_is_a_finding(site: Any) -> None:
    """Folders without, with empty, with nameless and with unversioned metadata are reported; the rest is listed."""
    site.install("whole", "1.0")
    (site.folder / "absent-1.0.dist-info").mkdir()
    (site.folder / "empty-1.0.dist-info").mkdir()
    (site.folder / "empty-1.0.dist-info" / "METADATA").write_bytes(b"\n")
    for name, text in (("nameless", "Version: 1.0"), ("unversioned", "Name: unversioned"), ("noise", "\x00\x01 : :")):
        folder = site.folder / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(text)
    inventory = take_inventory([str(site.folder)])
    assert [distribution.name for distribution in inventory.distributions] == ["whole"]
    assert sorted(_kinds(inventory)) == [FindingKind.INCOMPLETE_METADATA] * 3 + [FindingKind.NO_METADATA] * 2


def test_metadata_that_is_not_utf8_is_read(site: Any) -> None:
    """A header in another encoding costs its own characters, not the distribution."""
    folder = site.install("latin", "1.0")
    (folder / "METADATA").write_bytes(
        "Metadata-Version: 2.1\nName: latin\nVersion: 1.0\nAuthor: J\xf6rg\n".encode("latin-1")
    )
    assert [found.name for found in take_inventory([str(site.folder)]).distributions] == ["latin"]


def test_same_project_twice_in_a_folder_is_a_finding(site: Any) -> None:
    """Of two spellings or versions of one project the first is listed, the other reported."""
    site.install("Left-Behind", "1.0")
    site.install("left_behind", "2.0")
    inventory = take_inventory([str(site.folder)])
    assert len(inventory.distributions) == 1
    assert _kinds(inventory) == [FindingKind.DUPLICATE]
    assert "2.0" in inventory.findings[0].detail


def test_first_folder_wins(site: Any, tmp_path: Path) -> None:
    """What stands first on the path is what Python imports, so that is what is listed."""
    other = type(site)(tmp_path / "other")
    other.install("shadowed", "1.0")
    site.install("shadowed", "2.0")
    inventory = take_inventory([str(site.folder), str(other.folder)])
    assert [found.version for found in inventory.distributions] == ["2.0"]
    assert _kinds(inventory) == [FindingKind.DUPLICATE]


def test_folder_given_twice_counts_once(site: Any, tmp_path: Path) -> None:
    """The same folder by two names yields no duplicates."""
    site.install("one", "1.0")
    link = tmp_path / "link"
    link.symlink_to(site.folder)
    inventory = take_inventory([str(site.folder), str(link)])
    assert len(inventory.distributions) == 1
    assert inventory.findings == ()


def test_eggs_are_listed(site: Any) -> None:
    """Metadata of older tools is read: an egg-info folder, an egg-info file, an egg."""
    text = "Metadata-Version: 1.0\nName: {}\nVersion: 1.0\n"
    for path, name in (
        ("folder.egg-info/PKG-INFO", "folder"),
        ("file.egg-info", "file"),
        ("whole.egg/EGG-INFO/PKG-INFO", "whole"),
    ):
        target = site.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.format(name))
    assert [found.name for found in take_inventory([str(site.folder)]).distributions] == ["file", "folder", "whole"]


def test_virtual_environment_stands_for_its_site_packages(tmp_path: Path, site: Any) -> None:
    """A virtual environment's root may be given instead of its site-packages folder."""
    root = tmp_path / "venv"
    inside = root / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    type(site)(inside).install("inside", "1.0")
    (root / "pyvenv.cfg").write_text("home = /nowhere\n")
    assert [found.name for found in take_inventory([str(root)]).distributions] == ["inside"]


def test_missing_folder_is_a_finding(site: Any, tmp_path: Path) -> None:
    """One folder that is not there is reported; the others are looked at."""
    site.install("one", "1.0")
    inventory = take_inventory([str(tmp_path / "gone"), str(site.folder)])
    assert len(inventory.distributions) == 1
    assert _kinds(inventory) == [FindingKind.MISSING_PATH]


def test_no_folder_at_all_is_an_error(tmp_path: Path) -> None:
    """Where nothing that was given exists, there is a clear error instead of an empty report."""
    with pytest.raises(EnvironmentNotFoundError, match="gone") as caught:
        take_inventory([str(tmp_path / "gone")])
    assert caught.value.paths == (str(tmp_path / "gone"),)
