"""URLs of clusters."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import WorkflowDefinitionError
from maestro_workflow_engine.temporal._address import TemporalAddress, parse

PEM = Path(__file__).with_name("pem.txt")


def test_what_a_url_leaves_out_has_defaults():
    """Host alone will do."""
    assert parse("temporal://cluster") == TemporalAddress(target="cluster:7233")
    assert parse("temporal://[::1]:7/") == TemporalAddress(target="[::1]:7")


def test_every_option_is_read(tmp_path: Path):
    """Certificates and keys come from files; either makes it TLS."""
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(f"-----BEGIN {name}")
    (tmp_path / "api").write_text("secret\n")
    files = f"server_ca={tmp_path}/ca&client_cert={tmp_path}/cert&client_key={tmp_path}/key&api_key_file={tmp_path}/api"
    url = f"temporal://c:1/team%20a?task_queue=mail&lost_after_s=2.5&local_steps=a,b&{files}"
    assert parse(url) == TemporalAddress(
        target="c:1",
        namespace="team a",
        task_queue="mail",
        tls=True,
        server_ca=b"-----BEGIN ca",
        client_cert=b"-----BEGIN cert",
        client_key=b"-----BEGIN key",
        api_key="secret",
        api_key_file=tmp_path / "api",
        lost_after=timedelta(seconds=2.5),
        local_steps=frozenset({"a", "b"}),
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("temporal:///namespace", "names no Temporal cluster"),
        ("temporal://user:secret@c", "names no Temporal cluster"),
        ("temporal://c?taskqueue=x", "options nobody knows: taskqueue"),
        ("temporal://c:port", "Port"),
        ("temporal://c?lost_after_s=soon", "could not convert"),
        ("temporal://c?lost_after_s=0.5", "1 or more"),
        ("temporal://c?server_ca=/dev/null", "PEM form"),
        (f"temporal://c?client_cert={PEM}", "belong together"),
        ("temporal://c?api_key_file=/nowhere/key", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(url: str, said: str):
    """A URL with a mistake opens nothing."""
    with pytest.raises(WorkflowDefinitionError, match=said):
        parse(url)
