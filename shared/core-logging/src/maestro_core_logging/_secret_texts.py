"""Secrets and personal data inside text, known by how they look."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from maestro_core_logging._checksums import iban_length, is_card_number
from maestro_core_logging._options import Masking
from maestro_core_logging._secret_keys import words_of
from maestro_core_logging._text_kinds import may_hold_token

MASK: Final = "**********"

# Every pattern takes time in proportion to the text: repetitions are bounded, or begin where a word begins.
_PEM: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL
)
_URL_PASSWORD: Final = re.compile(r"(://[^\s/?#:@\"']{0,256}:)[^\s/\"']{1,256}@")
_JWT: Final = re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{5,}(?:\.[\w-]*){2,4}")
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)(\s{1,3})([\w.~+/=-]{6,})")
# The first characters stand in front, so that the search can skip to them; what stands before is looked at afterwards.
_API_KEY: Final = re.compile(
    r"(?:sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{10,}|whsec_[\w+/=]{16,}|gh[pousr]_\w{30,}|github_pat_\w{22,}|glpat-[\w-]{16,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{50,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|hf_\w{30,}|dop_v1_\w{40,}|shp(?:at|ca|pa|ss)_\w{30,}|hv[bs]\.[\w-]{20,}"
    r"|AGE-SECRET-KEY-\w{40,})"
)
_SIGNED_QUERY: Final = re.compile(r"(?i)([?&](?:x-amz-signature|x-goog-signature|signature|sig)=)[^&\s\"']+")
_NAME: Final = re.compile(r"(?<![\w.])([A-Za-z_][\w.-]{1,63})[\"']?\s{0,3}(?:=>|[=:])\s{0,3}")
_OPTION: Final = re.compile(r"--([A-Za-z][\w-]{1,63})(?:\s{1,3}|[\"'], ?[\"'])")
_VALUE: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\s,;&\"'(){}\[\]<>|]+", re.DOTALL)
_HEADER_VALUE: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[^\r\n\"'{}\[\]]+", re.DOTALL)
_HEADERS: Final = ("authorization", "cookie", "cookies")
_NO_VALUES: Final = frozenset({"None", "null", "''", '""', MASK})
_CARD: Final = re.compile(
    r"(?<![\w.])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3\d{3}([ -])\d{6}\2\d{4,5})(?!\w|\.\d)"
)
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_EMAIL: Final = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}(@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)")
_SHORTEST_TOKEN: Final = 12  # a card's number; nothing shorter is told by its looks alone
# One of these is in every name that the keys' rules call secret.
_HINTS: Final = (
    "pass",
    "pwd",
    "secret",
    "token",
    "authoriz",
    "cookie",
    "credential",
    "key",
    "jwt",
    "cv",
    "ssn",
    "iban",
    "number",
)


def secret_texts(masking: Masking, is_secret_key: Callable[[str], bool]) -> Callable[[str], str]:
    """Return what masks the secrets inside a text.

    Args:
        masking: What counts beside the usual.
        is_secret_key: Tells which names in front of "=" and ":" are secrets'.

    Returns:
        A function of a text. It returns the same object when there is nothing to mask.
    """
    patterns, emails = masking.patterns, masking.emails
    hints = (*_HINTS, *(words[-1] for key in masking.keys if (words := words_of(key))))

    def mask(text: str) -> str:
        given = text
        if ":" in text or "=" in text or "--" in text:
            text = _without_named(text, hints, is_secret_key)
        if len(text) >= _SHORTEST_TOKEN:
            lowered = text.lower()
            if "bearer" in lowered or "basic" in lowered:
                text = _SCHEME.sub(_scheme, text)
            if may_hold_token(text):
                text = _without_tokens(text)
        if emails and "@" in text:
            text = _EMAIL.sub(rf"{MASK}\1", text)
        for pattern in patterns:
            text = pattern.sub(_keeping, text)
        return given if text is given or text == given else text

    return mask


def _without_tokens(text: str) -> str:
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    for pattern, replace in ((_API_KEY, _api_key), (_CARD, _card), (_IBAN, _iban)):
        text = pattern.sub(replace, text)
    return text


def _without_named(text: str, hints: tuple[str, ...], is_secret_key: Callable[[str], bool]) -> str:
    """Mask what a place or a name says to be secret."""
    if "-----BEGIN" in text:
        text = _PEM.sub(MASK, text)
    if "://" in text:
        text = _without_places(text)
    lowered = text.lower()
    if any(hint in lowered for hint in hints):
        text = _behind(_OPTION, _behind(_NAME, text, is_secret_key), is_secret_key)
    return text


def _without_places(text: str) -> str:
    """Mask what has a place in an address: its password, and its signature."""
    if "@" in text:
        text = _URL_PASSWORD.sub(rf"\1{MASK}@", text)
    return _SIGNED_QUERY.sub(rf"\1{MASK}", text) if "?" in text else text


def _behind(names: re.Pattern[str], text: str, is_secret_key: Callable[[str], bool]) -> str:
    """Mask what stands behind a secret's name: `password=…`, `"token": "…"`, `Authorization: …`, `--api-key …`."""
    parts: list[str] = []
    end = 0
    for name in names.finditer(text):
        if name.start() < end or not is_secret_key(name[1]):
            continue
        pattern = _HEADER_VALUE if name[1].lower().endswith(_HEADERS) else _VALUE
        value = pattern.match(text, name.end())
        if value is None or value[0] in _NO_VALUES:
            continue
        quote = value[0][0] if value[0][0] in "\"'" else ""
        parts += (text[end : name.end()], quote, MASK, quote)
        end = value.end()
    return "".join([*parts, text[end:]]) if parts else text


def _scheme(found: re.Match[str]) -> str:
    token = found[3]
    if found[1].lower() == "basic":
        try:
            is_secret = b":" in base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            is_secret = False
    else:  # words of a sentence have neither digits nor capitals inside
        is_secret = len(token) >= 20 or not token.rstrip(".").islower() or any(letter.isdigit() for letter in token)
    return f"{found[1]}{found[2]}{MASK}" if is_secret else found[0]


def _api_key(found: re.Match[str]) -> str:
    before = found.string[found.start() - 1 : found.start()]
    is_word = before.isalnum() or not any(letter.isdigit() for letter in found[0])
    return found[0] if is_word else MASK


def _card(found: re.Match[str]) -> str:
    return MASK if is_card_number(found[0].replace(" ", "").replace("-", "")) else found[0]


def _iban(found: re.Match[str]) -> str:
    length = iban_length(found[0])
    return f"{MASK}{found[0][length:]}" if length else found[0]


def _keeping(found: re.Match[str]) -> str:
    return f"{found.groupdict().get('kept') or ''}{MASK}"
