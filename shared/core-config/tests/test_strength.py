from __future__ import annotations

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maestro_core_config import SecretStrength
from maestro_core_config._strength import weakness_of

SHORT, PATTERN, WORDS, EXAMPLE, UNFILLED = "too short", "pattern", "well-known words", "documentation", "placeholder"


@pytest.mark.parametrize(
    ("secret", "weakness"),
    [
        ("hunter2", SHORT),
        ("fifteen-letters", SHORT),
        ("a" * 64, PATTERN),
        ("ab" * 32, PATTERN),
        ("hunter2!" * 8, PATTERN),
        ("0123456789" * 4, PATTERN),
        ("abcdefghijklmnopqrstuvwxyz0123456789", PATTERN),
        ("qwertyuiopasdfghjklzxcvbnm", PATTERN),
        ("1111111122222222333333334444444", PATTERN),
        ("change-me-please-change-me-now-12", WORDS),
        ("please-change-this-secret-in-production", WORDS),
        ("your-256-bit-secret", WORDS),
        ("a-string-secret-at-least-256-bits-long", WORDS),
        ("my-super-secret-jwt-signing-key", WORDS),
        ("SuperSecretPassword123", WORDS),
        ("5up3r53cr3tP@55w0rd!!", WORDS),
        ("development-secret-do-not-use", WORDS),
        ("secret1secret2secret3secret4", WORDS),
        ("test-test-example-key-0001", WORDS),
        ("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", EXAMPLE),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", EXAMPLE),
        ("${JWT_SECRET}", UNFILLED),
        ("{{ .Values.jwtSecret }}", UNFILLED),
        ("<your secret goes here>", UNFILLED),
        ("%(jwt_secret)s", UNFILLED),
        ("__JWT_SECRET__", UNFILLED),
    ],
)
def test_what_can_be_guessed_is_weak(secret: str, weakness: str) -> None:
    """Short ones, patterns, words however spelt, published examples, and templates that nothing has filled in."""
    said = weakness_of(secret)
    assert weakness in said
    assert secret not in said


@pytest.mark.parametrize(
    "secret",
    [
        "correct horse battery staple",
        "k3yboard-Walrus-77-Ultramarine",
        "sk-proj-4fK2vQ9xTzW8mB3nR7yL",
        "postgres:9vX!mQ2$kLw8",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHFvbqzGDmHcWh7W\n-----END PRIVATE KEY-----",
    ],
)
def test_what_people_and_providers_make_is_good(secret: str) -> None:
    """Passphrases, keys with a prefix, and PEM are no words."""
    assert weakness_of(secret) == ""


ALPHABETS = [string.hexdigits[:16], string.ascii_letters + string.digits, string.ascii_letters + string.digits + "-_"]


@given(alphabet=st.sampled_from(ALPHABETS), length=st.integers(32, 64), seed=st.integers(0))
def test_what_a_generator_makes_is_good(alphabet: str, length: int, seed: int) -> None:
    """`openssl rand -hex`, `secrets.token_urlsafe` and the like are never refused."""
    import random

    chooser = random.Random(seed)
    assert weakness_of("".join(chooser.choice(alphabet) for _ in range(length))) == ""


def test_the_shortest_of_generated_secrets_are_good() -> None:
    """16 letters and digits, as password managers make them."""
    alphabet = string.ascii_letters + string.digits
    weak = [
        secret
        for secret in ("".join(secrets.choice(alphabet) for _ in range(16)) for _ in range(2_000))
        if weakness_of(secret)
    ]
    assert len(weak) < 10, weak


def test_a_rule_of_its_own() -> None:
    """A setting may ask for more or for less."""
    assert SHORT in weakness_of("4fK2vQ9xTzW8mB3nR7yL", SecretStrength(min_length=32))
    assert weakness_of("7391", SecretStrength(min_length=4, min_bits=0)) == ""
    assert UNFILLED in weakness_of("${PIN}", SecretStrength(min_length=1, min_bits=0))
    assert PATTERN in weakness_of("4fK2vQ9xTzW8mB3nR7yL", SecretStrength(min_bits=200))
