"""A person with a browser: Chromium logs in, sees the run that the program logged, and an outsider is refused.

Certificates are validated: the leaf keys of the stack's two hosts are taken from connections that were checked against
the local CA, and the browser accepts these keys only (--ignore-certificate-errors-spki-list). Without them it refuses.
"""

import base64
import hashlib
import json
import re
import socket
import ssl
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.proof.checks import Check, Failed, check, expect
from local.proof.stack import PROJECT, Environment

CHECKS: list[Check] = []
SCRIPT = Path("local/proof/browser.mjs")


def _key_hash(url: str, ca_bundle: Path) -> str:
    """SPKI hash of the certificate at `url`, which has to be good for the host and signed by the CA."""
    where = urlsplit(url)
    context = ssl.create_default_context(cafile=str(ca_bundle))
    with (
        socket.create_connection((where.hostname, where.port or 443), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=where.hostname) as secure,
    ):
        certificate = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def _visit(environment: Environment) -> dict[str, Any]:
    """One visit for all checks of an environment: what the script saw."""
    if "browser" in environment.seen:
        return environment.seen["browser"]
    stack = environment.stack
    program = environment.seen.get("program")
    folder = stack.screenshots and stack.screenshots / environment.name
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    wanted = {
        "chromium": str(stack.chromium),
        "uri": environment.uri,
        "httpUri": environment.http_uri,
        "user": asdict(stack.user),
        "outsider": asdict(stack.outsider),
        "spki": [_key_hash(url, stack.ca_bundle) for url in (environment.uri, stack.issuer)],
        "run": program
        and {"id": program["run_id"], "name": program["run_name"], "experimentId": program["experiment_id"]},
        "screenshots": folder and str(folder.resolve()),
    }
    done = subprocess.run(
        ["node", str(SCRIPT)],
        cwd=PROJECT,
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{SCRIPT} ended with {done.returncode}: {done.stderr[-500:]}")
    environment.seen["browser"] = json.loads(done.stdout)
    return environment.seen["browser"]


def _part(environment: Environment, part: str, *facts: str) -> dict[str, Any]:
    """What was seen in one part of the visit; fails if it broke before these facts were seen."""
    seen = _visit(environment)[part]
    missing = [fact for fact in facts if fact not in seen]
    expect(not missing, f"not seen: {', '.join(missing)}. {seen.get('error', '')} (at {seen.get('at', '?')})")
    return seen


@check(CHECKS, "browser: without the local CA the connection is refused")
def untrusted(environment: Environment) -> str:
    outcome = _part(environment, "untrusted", "outcome")["outcome"]
    expect(outcome.startswith("net::ERR_CERT_"), f"expected a certificate error, {outcome}")
    return outcome


@check(CHECKS, "browser: http leads to https and on to the login page")
def http_to_login(environment: Environment) -> str:
    seen = _part(environment, "user", "hops", "httpStatus", "loginHost", "tls", "loginTitle")
    issuer = urlsplit(environment.stack.issuer).netloc
    expect(seen["httpStatus"] == 301, f"{environment.http_uri} answers {seen['httpStatus']}, not 301")
    expect(seen["hops"][1] == f"{environment.uri}/", f"http redirects to {seen['hops'][1]}")
    expect(seen["loginHost"] == issuer and seen["loginTitle"] == "Sign in", f"it ends at {seen['loginHost']}")
    return f"{' > '.join(urlsplit(hop).netloc + urlsplit(hop).path for hop in seen['hops'][:3])}, {seen['tls']}"


@check(CHECKS, "browser: a wrong password is not let in")
def wrong_password(environment: Environment) -> str:
    return _part(environment, "user", "wrongPassword")["wrongPassword"]


@check(CHECKS, "browser: the user logs in and sees the run that the program logged")
def sees_run(environment: Environment) -> str:
    expect("program" in environment.seen, "the program logged no run, see its check")
    seen = _part(environment, "user", "landed", "experimentShowsRun", "runShowsMetrics")
    expect(seen["landed"].startswith(environment.uri), f"after login the browser is at {seen['landed']}")
    expect(not seen["failedCalls"], f"calls of the page failed: {seen['failedCalls']}")
    return f"{seen['landed']}, run {environment.seen['program']['run_name']}, {seen['calls']} calls of the page answered"


@check(CHECKS, "browser: the session cookie is Secure, HttpOnly, SameSite=Lax and bound to the host")
def session_cookie(environment: Environment) -> str:
    seen = _part(environment, "user", "cookies")
    session = [cookie for cookie in seen["cookies"] if re.fullmatch(r"__Host-mlflow(_\d+)?", cookie["name"])]
    expect(session, f"no __Host- cookie among {[cookie['name'] for cookie in seen['cookies']]}")
    for cookie in session:
        good = cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
        expect(good and not cookie["domain"].startswith("."), f"cookie {cookie}")
    others = [cookie for cookie in seen["cookies"] if cookie not in session]
    expect(all(cookie["secure"] and cookie["httpOnly"] for cookie in others), f"weaker cookies: {others}")
    return ", ".join(f"{cookie['name']} ({cookie['size']} bytes)" for cookie in session)


@check(CHECKS, "browser: after logging out the session is over; a copy of its cookie is good only without a session store")
def copied_cookie(environment: Environment) -> str:
    seen = _part(environment, "user", "afterLogout", "replayed")
    store = bool(environment.resources("aws_elasticache_serverless_cache"))
    expect(seen["afterLogout"] == 401, f"without the cookie it answers {seen['afterLogout']}")
    expected = 401 if store else 200
    expect(seen["replayed"] == expected, f"the copy gets {seen['replayed']}, not {expected}")
    return f"{seen['replayed']} for the copy, {'with' if store else 'without'} a session store"


@check(CHECKS, "browser: the outsider logs in at the identity provider and is refused here")
def outsider(environment: Environment) -> str:
    seen = _part(environment, "outsider", "status", "url", "text", "homeStatus")
    expect(seen["status"] == 403, f"the callback answers {seen['status']}, not 403")
    expect(seen["url"].startswith(environment.uri), f"the browser is at {seen['url']}")
    expect(seen["sessionCookies"] == [], f"a session was made: {seen['sessionCookies']}")
    return f"403 {seen['text']!r}"
