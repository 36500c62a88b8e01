import pytest
from click.testing import CliRunner

from maestro_cli._errors import InputError
from maestro_cli.cli import cli
from maestro_cli.commands.workflow._start_options import read_attributes


def test_attributes_have_the_type_they_look_like() -> None:
    """Numbers, truth values and times are such; all else is text, and quotes make text of anything."""
    texts = (
        "n=7",
        "x=1.5",
        "yes=true",
        "who=acme",
        'code="7"',
        "due=2026-05-04T13:02:00Z",
        "odd={}",
        "inf=Infinity",
        "e=",
    )
    assert read_attributes(texts) == {
        "n": 7,
        "x": 1.5,
        "yes": True,
        "who": "acme",
        "code": "7",
        "due": {"time": "2026-05-04T13:02:00+00:00"},
        "odd": "{}",
        "inf": "Infinity",
        "e": "",
    }


def test_an_attribute_given_twice_is_a_list() -> None:
    """Several values of one name are keywords."""
    assert read_attributes(("tag=new", "tag=7", "who=acme")) == {"tag": ["new", "7"], "who": "acme"}


@pytest.mark.parametrize("text", ["acme", "=acme"])
def test_an_attribute_needs_a_name(text: str) -> None:
    """What has no name is refused."""
    with pytest.raises(InputError):
        read_attributes((text,))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--debounce", "k"], "--debounce-wait"),
        (["--debounce-wait", "1s"], "go with --debounce"),
        (["--debounce-limit", "1s"], "go with --debounce"),
        (["--singleton-policy", "wait"], "goes with --singleton"),
        (["--priority", "10"], "0<=x<=9"),
        (["--at", "2h"], "is no time"),
    ],
)
def test_options_that_lack_something_start_nothing(options: list[str], says: str) -> None:
    """What does not go together is refused before anything is asked, with exit code 2."""
    done = CliRunner().invoke(cli, ["workflow", "run", "tests/add", *options])
    assert done.exit_code == 2
    assert says in done.stderr
