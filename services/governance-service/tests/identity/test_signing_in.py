import time
from typing import Any

import pytest
from signing import ANOTHER, CHEAP, PASSWORD, as_user, audited, claims, create, sign_in, tokens
from starlette.testclient import TestClient

NOBODY = {"Authorization": ""}


@pytest.fixture
def settings() -> dict[str, Any]:
    return CHEAP


def test_a_user_signs_in_and_calls(client: TestClient) -> None:
    """A name and a password give an access token with the user's name, roles and session, which this service believes."""
    create(client, "Ada", "operator", "approver")
    given = tokens(client, " ADA ")
    said = claims(given["access_token"])
    assert (said["sub"], said["roles"], said["iss"], said["aud"]) == (
        "ada",
        ["approver", "operator"],
        "maestro-governance",
        "maestro",
    )
    assert "tenant" not in said
    assert given["expires_in"] in {599, 600}
    assert said["exp"] - said["iat"] in {599, 600}
    me = client.get("/auth/me", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert me.json()["subject"] == "ada"
    assert me.headers["cache-control"] == "no-store"
    assert [entry["action"] for entry in audited(client, actor="ada")] == ["session.begin"]


def test_who_is_not_let_in_learns_nothing(client: TestClient) -> None:
    """A name that nobody has, a wrong password, a disabled user and one without a password get the same answer."""
    create(client, "ada")
    create(client, "bob")
    client.post("/users/bob/disable")
    answers = [
        sign_in(client, "ada", ANOTHER),
        sign_in(client, "bob"),
        sign_in(client, "nobody"),
        sign_in(client, "\u00e9\u0000"),
    ]
    bodies = [{key: value for key, value in one.json().items() if key != "trace_id"} for one in answers]
    assert {one.status_code for one in answers} == {401}
    assert all(body == bodies[0] for body in bodies), bodies
    assert {name for one in answers for name in one.headers} == set(answers[0].headers)
    denied = audited(client, action="session.begin")
    assert {(entry["actor"], entry["outcome"]) for entry in denied} == {
        ("ada", "denied"),
        ("bob", "denied"),
        ("unknown", "denied"),
    }


def test_a_refresh_token_goes_on_once(client: TestClient) -> None:
    """Each refresh gives the next tokens of the same session; a token that comes again ends the session for everybody."""
    create(client, "ada", "operator")
    first = tokens(client, "ada")
    second = client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]}).json()
    assert claims(second["access_token"])["sid"] == claims(first["access_token"])["sid"]
    assert second["refresh_token"] != first["refresh_token"]
    third = client.post("/auth/refresh", json={"refresh_token": second["refresh_token"]}).json()
    stolen = client.post("/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert (stolen.status_code, stolen.json()["error_code"]) == (401, "REFRESH_TOKEN_REUSED")
    latest = client.post("/auth/refresh", json={"refresh_token": third["refresh_token"]})
    assert (latest.status_code, latest.json()["error_code"]) == (401, "REFRESH_TOKEN_INVALID")
    refused = client.get("/auth/me", headers={"Authorization": f"Bearer {third['access_token']}"})
    assert refused.json()["rule"] == "token-not-revoked"
    assert [entry["outcome"] for entry in audited(client, action="session.reuse")] == ["denied"]


@pytest.mark.parametrize("token", ["", "mrt_", "mrt_" + "0" * 32 + "_" + "A" * 43, "x" * 200, "mrt_\u00e9_x"])
def test_a_made_up_refresh_token_is_refused(client: TestClient, token: str) -> None:
    """What is no refresh token, or none that was given out, is refused."""
    answer = client.post("/auth/refresh", json={"refresh_token": token})
    assert (answer.status_code, answer.json()["error_code"]) == (401, "REFRESH_TOKEN_INVALID")


def test_the_secret_of_a_refresh_token_counts(client: TestClient) -> None:
    """The id of a token, which may be in a log, is worth nothing; trying it ends no session."""
    create(client, "ada")
    given = tokens(client, "ada")
    prefix, token_id, secret = given["refresh_token"].split("_", 2)
    wrong = "_".join([prefix, token_id, "A" * len(secret)])
    assert client.post("/auth/refresh", json={"refresh_token": wrong}).status_code == 401
    assert client.post("/auth/logout", json={"refresh_token": wrong}).status_code == 204
    assert client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).status_code == 200


@pytest.mark.parametrize("by", ["refresh", "access"])
def test_signing_out_ends_the_session(client: TestClient, by: str) -> None:
    """After signing out neither token of the session is believed, and doing so twice is no error."""
    create(client, "ada")
    given = tokens(client, "ada")
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    if by == "refresh":
        for _ in range(2):
            body = {"refresh_token": given["refresh_token"]}
            assert client.post("/auth/logout", json=body, headers=NOBODY).status_code == 204
    else:
        assert client.post("/auth/logout", headers=bearer).status_code == 204
    assert client.get("/auth/me", headers=bearer).status_code == 401
    assert client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).status_code == 401
    assert client.get("/auth/me", headers=as_user(client, "ada")).status_code == 200


def test_a_password_that_was_made_must_be_changed(client: TestClient) -> None:
    """A user with a password that somebody else made signs in only after choosing another one."""
    made = client.post("/users", json={"name": "ada"}).json()["password"]
    refused = sign_in(client, "ada", made)
    assert (refused.status_code, refused.json()["error_code"]) == (403, "PASSWORD_CHANGE_REQUIRED")
    change = {"username": "ada", "password": made, "new_password": "password1234"}
    weak = client.post("/auth/password", json=change, headers=NOBODY)
    assert (weak.status_code, weak.json()["errors"][0]["path"]) == (422, "body.password")
    assert "password1234" not in weak.text
    same = client.post("/auth/password", json={**change, "new_password": made}, headers=NOBODY)
    assert same.status_code == 422
    assert client.post("/auth/password", json={**change, "new_password": PASSWORD}, headers=NOBODY).status_code == 204
    assert sign_in(client, "ada", made).status_code == 401
    assert sign_in(client, "ada").status_code == 200


def test_a_new_password_ends_all_sessions(client: TestClient) -> None:
    """Whoever had signed in with the old password is out."""
    create(client, "ada")
    given = tokens(client, "ada")
    change = {"username": "ada", "password": PASSWORD, "new_password": ANOTHER}
    assert client.post("/auth/password", json=change, headers=NOBODY).status_code == 204
    assert client.post("/auth/refresh", json={"refresh_token": given["refresh_token"]}).status_code == 401
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert client.get("/auth/me", headers=bearer).status_code == 401


def test_a_session_and_its_tokens_end_in_time(client: TestClient) -> None:
    """No access token outlives its session."""
    create(client, "ada")
    given = tokens(client, "ada")
    assert claims(given["access_token"])["exp"] <= time.time() + 601
    assert given["refresh_expires_in"] <= 7 * 86_400
