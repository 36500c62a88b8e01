"""What can go wrong with identities."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from governance_service.domain import GovernanceError


class IdentityError(GovernanceError):
    """Root of this subject's errors."""

    code: ClassVar[str] = "IDENTITY_ERROR"


class InvalidIdentityError(IdentityError):
    """What was asked for breaks the rules.

    Args:
        faults: For each field at fault, what is wrong.
    """

    code = "INVALID_IDENTITY"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field} {message}" for field, message in faults.items()))
        self.faults = dict(faults)


class NameTakenError(IdentityError):
    """There is a user, or a role, of this name already.

    Args:
        name: The name.
    """

    code = "NAME_TAKEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name!r} is taken; names are never given out a second time")
        self.name = name


class UnknownIdentityError(IdentityError):
    """There is no such thing, or not where the caller may look.

    Args:
        kind: What was looked for.
        name: Its name or id.
    """

    code = "UNKNOWN_IDENTITY"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.kind = kind
        self.name = name


class NotGrantableError(IdentityError):
    """The caller may not give this.

    Args:
        rule: The rule that refused it.
        reason: Why.
    """

    code = "NOT_GRANTABLE"

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class LastAdminError(IdentityError):
    """Nobody would be left to administer the platform."""

    code = "LAST_ADMIN"

    def __init__(self) -> None:
        super().__init__("this is the last enabled admin of the platform; make another one first")


class CredentialsRefusedError(IdentityError):
    """Name and password do not belong together. Which of them is wrong is not told, nor whether the user is disabled."""

    code = "INVALID_CREDENTIALS"

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong, or the user may not sign in")


class PasswordChangeRequiredError(IdentityError):
    """The password was set by somebody else and must be changed first."""

    code = "PASSWORD_CHANGE_REQUIRED"

    def __init__(self) -> None:
        super().__init__("choose a password of your own with POST /auth/password, then sign in")


class TooManyAttemptsError(IdentityError):
    """Too many attempts have failed.

    Args:
        wait: How long to wait before the next one counts.
    """

    code = "TOO_MANY_ATTEMPTS"

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"too many attempts have failed; the next one is looked at in {wait.total_seconds():.0f} s")
        self.wait = wait


class TokenRefusedError(IdentityError):
    """A refresh token is unknown, over, or its session has ended."""

    code = "REFRESH_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("the refresh token is not valid, or not any more; sign in again")


class TokenReusedError(IdentityError):
    """A refresh token came a second time: somebody has a copy of it. The session has ended for everybody."""

    code = "REFRESH_TOKEN_REUSED"

    def __init__(self) -> None:
        super().__init__(
            "the refresh token was used before, so somebody has a copy; the session is ended, sign in again"
        )


class OutsideLoginRefusedError(IdentityError):
    """A sign-in with an outside provider came back with something that cannot be believed, or was refused there.

    Args:
        reason: Why, without anything secret.
    """

    code = "OUTSIDE_LOGIN_REFUSED"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; begin again at /auth/oidc/login")
        self.reason = reason


class ProviderUnavailableError(IdentityError):
    """An outside provider cannot be reached, or does not speak OpenID Connect.

    Args:
        provider: Its name here.
        reason: What happened.
    """

    code = "OUTSIDE_PROVIDER_UNAVAILABLE"

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"{provider}: {reason}")
        self.provider = provider
        self.reason = reason
