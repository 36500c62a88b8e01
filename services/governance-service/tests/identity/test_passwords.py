import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance_service.identity.domain import InvalidIdentityError, check_password, common_words, normalised


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P4ssw0rd1234!",
        "Summer2024!!!!",
        "Welcome12345",
        "administrator",
        "qwertyuiop12",
        "123456789012",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "abcdefghijklm",
        "letmein-letmein",
        "correcthorsebatterystaple",
        "1q2w3e4r5t6y",
        "iloveyou2023!",
        "ada.lovelace1",
        "Ada.Lovelace2024",
        "            ",
        "dragonmonkey99",
        "maestro-admin-1",
        "short",
        "x" * 400,
        "with\x00control-char",
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str) -> None:
    """Common words, rows of keys, repetitions and the user's name are seen through digits, signs and capital letters around them."""
    with pytest.raises(InvalidIdentityError):
        check_password(password, shortest=12, names=["ada.lovelace"])


@pytest.mark.parametrize(
    "password",
    [
        "tangerine lamp on the fjord",
        "x7$Kq9#mP2&v",
        "839201748362",
        "my password is a walrus with seven hats",
        "\u00fcberquerfeldein",
        "\u6b63\u786e\u7684\u9a6c\u7535\u6c60\u8ba2\u4e66\u9489\u65e9\u4e0a\u597d",
        "vK3-tY8-qW5-rT1",
    ],
)
def test_a_password_of_ones_own_is_taken(password: str) -> None:
    """Long phrases, random characters and other scripts are welcome; no kind of character is asked for."""
    check_password(password, shortest=12, names=["ada.lovelace"])


@example("123abc", "")  # a row of keys is a part of it
@example("fuckoff", "")  # its end and its beginning are one letter three times
@given(st.sampled_from(sorted(common_words())), st.sampled_from(["", "!", "1", "2024", "123", "!!", "_01"]))
def test_no_common_word_alone_is_long_enough_to_be_taken(word: str, around: str) -> None:
    """Any common word, written twice and decorated, is refused."""
    with pytest.raises(InvalidIdentityError):
        check_password((word + word + around).ljust(12, "1"), shortest=12)


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    """What looks the same and means the same is hashed the same."""
    assert normalised("u\u0308ber") == normalised("\u00fcber")
