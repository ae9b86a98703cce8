"""What must be refused, and must not reach MLflow: its own log says what did."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from local.proof.checks import Check, Failed, expect
from local.proof.intruder import SESSION, Case, Intruder, Outcome, ask
from local.proof.refused_requests import REQUESTS
from local.proof.refused_tokens import TOKENS
from local.proof.stack import Environment

AT_ONCE = 8
GOOD = Case("a good token", (200,), lambda who: ask("GET {search}", "Authorization: Bearer {token}"), passes=True)
"""With each group: it shows that the door was open, and that the log has what goes through."""
GROUPS: dict[str, list[Case]] = {**TOKENS, **REQUESTS}


def _refused(group: str, environment: Environment) -> str:
    """Runs the cases of a group; each with what came of it is in a file beside the logs."""
    if "intruder" not in environment.seen:
        environment.seen["intruder"] = Intruder(environment)
    intruder: Intruder = environment.seen["intruder"]
    intruder.prepare()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(intruder.attempt, [*GROUPS[group], GOOD]))
    answered = _complete(intruder.answered, [one.marker for one in outcomes if one.case.passes])
    passed_on = intruder.passed_on()
    problems = [(one, _problem(one, answered, passed_on, environment)) for one in outcomes]
    with (environment.stack.log_dir / f"refusals-{environment.name}.log").open("a") as file:
        for one, problem in problems:
            file.write(f"{'FAIL' if problem else 'ok  '}  {group}: {one.case.name}: {problem or _statuses(one.statuses)}\n")
    wrong = [f"{one.case.name}: {problem}" for one, problem in problems if problem]
    expect(not wrong, f"{len(wrong)} of {len(outcomes)} cases: {'; '.join(wrong)}")
    refused = sum(not one.case.passes for one in outcomes)
    return f"{refused} refused, {len(outcomes) - refused} went through; MLflow's log has the latter alone"


def _complete(log: Callable[[], str], markers: list[str]) -> str:
    """A log, once it has what it must have."""
    deadline = time.monotonic() + 5
    while True:
        logged = log()
        if all(marker in logged for marker in markers) or time.monotonic() > deadline:
            return logged
        time.sleep(0.1)


def _problem(outcome: Outcome, answered: str, passed_on: str, environment: Environment) -> str:
    """What is wrong with how a case came out; nothing if it is as it must be."""
    try:
        _judge(outcome, answered, passed_on, environment)
    except Failed as failure:
        return str(failure)
    return ""


def _judge(outcome: Outcome, answered: str, passed_on: str, environment: Environment) -> None:
    case, seen = outcome.case, _statuses(outcome.statuses)
    if case.passes:
        expect(outcome.marker in answered, f"{seen}, but MLflow's log does not have it: so it proves nothing")
        user = environment.stack.user.email
        expect(outcome.header("GAP-Auth") in ([user], [""], []), f"taken for {outcome.header('GAP-Auth')}")
    else:
        expect(outcome.marker not in answered, f"{seen}, and it reached MLflow")
        expect(outcome.marker not in passed_on, f"{seen}, and oauth2-proxy passed it on")
    expect(outcome.statuses == case.statuses, f"{seen}, not {_statuses(case.statuses)}")
    for target in outcome.header("Location"):
        expect(_stays(target, environment), f"{seen}, and leads to {target}")
    handed_out = [cookie for cookie in outcome.header("Set-Cookie") if re.match(rf"{SESSION}(_\d+)?=[^;]", cookie)]
    expect(case.logs_in or not handed_out, f"{seen}, and a session")


def _stays(target: str, environment: Environment) -> bool:
    """Whether a redirect leads to the identity provider, or stays with us."""
    # For a name that is nobody's the first environment answers: they share an address here.
    ours = tuple(f"{one.uri}/" for one in environment.stack.environments)
    return target.startswith((f"{environment.stack.issuer}/auth?", *ours)) or re.match(r"/(?![/\\])", target) is not None


def _statuses(statuses: tuple[int, ...]) -> str:
    return " ".join(map(str, statuses)) or "no answer"


CHECKS = [Check(f"refused: {group}", partial(_refused, group)) for group in GROUPS]
