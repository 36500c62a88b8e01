"""How good a secret is: what nobody should be able to guess must not be a word, an example or a pattern."""

from __future__ import annotations

import math
import re
from collections import Counter
from hashlib import sha256

from maestro_core_config._marks import SecretStrength

ORDINARY = SecretStrength()

# What stands in examples and defaults.
_WORDS = (
    "password passwort passwd passphrase passw secret supersecret topsecret changeme changeit change replaceme replace "
    "insert default example sample test testing tester dummy fake placeholder todo fixme admin administrator root user guest "
    "letmein welcome login qwerty qwertz azerty asdf zxcv monkey dragon foobar foo bar baz hello world please this that "
    "your with here only demo local localhost development developer production staging insecure unsafe notsecret "
    "none null undefined empty blank key token jwt hmac sha256 hs256 bits bytes bit byte long least string value signing private "
    "public access api app service server auth maestro temp temporary dev prod some any for not use the and must should "
    "random abc xyz very really super strong secure security my me it is at do in to of"
)
_LEET = str.maketrans("013457@$!", "oieastasi")
_UNFILLED = re.compile(
    r"^\s*(?:\$\{.*\}|\$\(.*\)|\{\{.*\}\}|\{%.*%\}|<[^<>]*>|%\(.*\)s|\[[A-Za-z _-]*\]|__[A-Z_]+__)\s*$", re.DOTALL
)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1234567890", "!@#$%^&*()")
# Secrets that documentation of widely used software shows, as SHA-256, so that nobody's scanner takes them for leaked ones.
_PUBLISHED = frozenset(
    {
        "570dad43de1af4c925f92c16a68a50936da42b7dd6fdeb24850507a1199aac89",  # FastAPI's tutorial on OAuth2
        "2598f7d6adc142d88161630f3db12ab2bd3403521c281811e5e1ce60d4ac5d76",  # Flask's tutorial
        "78314b11be2e581549ac1c4f616563fad3fdf0c3b71678f6e2299182080e0598",  # AWS's documentation, secret access key
        "1a5d44a2dca19669d72edf4c4f1c27c4c1ca4b4408fbb17f6ce4ad452d78ddb3",  # AWS's documentation, access key id
        "8b1b17a9740c068accab5c3d0d652c8e3cc13206e70bb73b42ea41d4c2de3c12",  # RFC 7515, appendix A.1
        "0330b11998cbc9abd5a585e755cb5df2f73f1a5632fdcc2abb19e05e3eceddb9",  # RFC 7520, section 3.5
    }
)


def weakness_of(secret: str, rule: SecretStrength | None = None) -> str:
    """Tell what is wrong with a secret.

    Args:
        secret: The secret.
        rule: What is asked of it. Default: the ordinary rule.

    Returns:
        The rest of a sentence that begins with the setting's name, which tells nothing of the secret but its length; empty when
        nothing is wrong.
    """
    rule = rule or ORDINARY
    if _UNFILLED.match(secret):
        return "is a placeholder that nothing has filled in"
    if len(secret) < rule.min_length:
        return f"is too short: it has {len(secret)} characters, and needs {rule.min_length}"
    if rule.min_bits <= 0:
        return ""
    if sha256(secret.strip().encode()).hexdigest() in _PUBLISHED:
        return "is an example from well-known documentation"
    if _bits(secret) < rule.min_bits:
        return "is easy to guess: it repeats itself or follows a pattern"
    if _bits(_without_words(_spelled(secret))) < rule.min_bits / 2:
        return "is easy to guess: it is made of well-known words"
    return ""


def _spelled(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower().translate(_LEET))


def _without_words(text: str) -> str:
    """Leave of a text what well-known words do not cover, by the division into words that leaves least."""
    words = frozenset(_WORDS.split())
    longest = max(map(len, words))
    left = [""]
    for end in range(1, len(text) + 1):
        rests = [left[start] for start in range(max(0, end - longest), end) if text[start:end] in words]
        left.append(min([left[end - 1] + text[end - 1], *rests], key=len))
    return left[-1]


def _bits(text: str) -> float:
    """Estimate entropy in bits: Shannon's, of what is left when repetitions and sequences count once."""
    rest = _without_sequences(_unit(text))
    counts = Counter(rest)
    return -sum(count * math.log2(count / len(rest)) for count in counts.values()) if rest else 0.0


def _unit(text: str) -> str:
    """Return what a text repeats, such as "ab" of "ababab"; the text itself when it does not repeat anything."""
    period = (text + text).find(text, 1) if text else 0
    return text[:period] if 0 < period < len(text) else text


def _without_sequences(text: str) -> str:
    """Leave of each run such as "aaaa", "3456" or "qwert" its first character."""
    kept = []
    for index, character in enumerate(text):
        if index < 2 or not (_follows(text[index - 1], character) and _follows(text[index - 2], text[index - 1])):
            kept.append(character)
    return "".join(kept)


def _follows(first: str, second: str) -> bool:
    if abs(ord(first) - ord(second)) <= 1:
        return True
    return any(first.lower() + second.lower() in row for row in _ROWS)
