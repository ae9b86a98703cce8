"""Who is let in, and how the others are told."""

from urllib.parse import parse_qs, urlsplit

import requests

from local.proof.checks import Check, check, expect
from local.proof.stack import Environment

CHECKS: list[Check] = []
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
UI_CALLS = ("/ajax-api/2.0/mlflow/experiments/search", "/graphql", "/get-artifact", "/model-versions/get-artifact")


def _get(environment: Environment, path: str, token: str | None = None) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(
            f"{environment.uri}{path}",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=str(environment.stack.ca_bundle),
            allow_redirects=False,
            timeout=30,
        )


def _summary(answer: requests.Response) -> str:
    kind = answer.headers.get("Content-Type", "no content type").split(";")[0]
    return f"{answer.status_code} {kind} {answer.text[:80]!r}"


def _expect_refusal(answer: requests.Response, statuses: tuple[int, ...]) -> str:
    seen = _summary(answer)
    expect(answer.status_code in statuses, f"expected {' or '.join(map(str, statuses))}, got {seen}")
    expect("Location" not in answer.headers, f"it redirects to {answer.headers.get('Location')}")
    expect('"experiments"' not in answer.text, f"it answers with data: {seen}")
    return seen


@check(CHECKS, "gate: a call without a token gets 401 and JSON, no login page")
def call_without_token(environment: Environment) -> str:
    answer = _get(environment, SEARCH)
    seen = _expect_refusal(answer, (401,))
    expect("json" in answer.headers.get("Content-Type", ""), f"expected JSON, got {seen}")
    answer.json()
    return seen


@check(CHECKS, "gate: the UI's own calls without a session get 401, no login page")
def ui_calls_without_session(environment: Environment) -> str:
    return ", ".join(f"{path} {_expect_refusal(_get(environment, path), (401,))}" for path in UI_CALLS)


@check(CHECKS, "gate: a page without a session redirects to the identity provider, with PKCE and nonce")
def page_without_session(environment: Environment) -> str:
    answer = _get(environment, "/")
    expect(answer.status_code == 302, f"expected 302, got {_summary(answer)}")
    location = answer.headers["Location"]
    expect(location.startswith(f"{environment.stack.issuer}/"), f"it redirects to {location}")
    query = parse_qs(urlsplit(location).query)
    expect(query.get("code_challenge_method") == ["S256"], f"no PKCE challenge: {sorted(query)}")
    expect("nonce" in query and "state" in query, f"no nonce or state: {sorted(query)}")
    expect(query["redirect_uri"] == [f"{environment.uri}/oauth2/callback"], f"redirect_uri {query['redirect_uri']}")
    return f"302 to {urlsplit(location).netloc}, S256, nonce, state"


@check(CHECKS, "gate: the user's token is let in")
def users_token(environment: Environment) -> str:
    stack = environment.stack
    answer = _get(environment, SEARCH, stack.token(stack.user, environment.programs_client_id))
    expect(answer.status_code == 200 and "experiments" in answer.json(), _summary(answer))
    return f"200, {len(answer.json()['experiments'])} experiment"


@check(CHECKS, "gate: a made-up token is refused")
def garbage_token(environment: Environment) -> str:
    return _expect_refusal(_get(environment, SEARCH, "eyJhbGciOiJub25lIn0.e30.x"), (401, 403))


@check(CHECKS, "gate: a token with a changed signature is refused")
def forged_token(environment: Environment) -> str:
    stack = environment.stack
    content, signature = stack.token(stack.user, environment.programs_client_id).rsplit(".", 1)
    forged = f"{content}.{signature[::-1]}"
    return _expect_refusal(_get(environment, SEARCH, forged), (401, 403))


@check(CHECKS, "gate: the token of someone outside the e-mail domain is refused")
def outsiders_token(environment: Environment) -> str:
    stack = environment.stack
    return _expect_refusal(_get(environment, SEARCH, stack.token(stack.outsider, environment.programs_client_id)), (401, 403))


@check(CHECKS, "gate: the user's token for another application is refused")
def token_of_another_application(environment: Environment) -> str:
    stack = environment.stack
    return _expect_refusal(_get(environment, SEARCH, stack.token(stack.user, stack.other_client_id)), (401, 403))
