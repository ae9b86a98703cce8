"""What must be refused, and must not reach MLflow: its own log says what did."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from local.proof.checks import Check, Failed, expect
from local.proof.intruder import SESSION, Case, Intruder, Outcome
from local.proof.refused_requests import REQUESTS
from local.proof.refused_tokens import TOKENS
from local.proof.stack import Environment

AT_ONCE = 8
GROUPS: dict[str, list[Case]] = {**TOKENS, **REQUESTS}


def _refused(group: str, environment: Environment) -> str:
    """Runs the cases of a group; each with what came of it is in a file beside the logs."""
    intruder = environment.seen.setdefault("intruder", None) or Intruder(environment)
    environment.seen["intruder"] = intruder
    intruder.prepare()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        outcomes = list(threads.map(intruder.attempt, GROUPS[group]))
    logged = _log(intruder, [one.marker for one in outcomes if one.case.passes])
    problems = [(one, _problem(one, logged, environment)) for one in outcomes]
    with (environment.stack.log_dir / f"refusals-{environment.name}.log").open("a") as file:
        for one, problem in problems:
            file.write(f"{'FAIL' if problem else 'ok  '}  {group}: {one.case.name}: {problem or _statuses(one.statuses)}\n")
    wrong = [f"{one.case.name}: {problem}" for one, problem in problems if problem]
    expect(not wrong, f"{len(wrong)} of {len(outcomes)} cases: {'; '.join(wrong)}")
    refused = sum(not one.case.passes for one in outcomes)
    return f"{refused} refused, none of them in MLflow's log; {len(outcomes) - refused} passed, to see that the log has them"


def _log(intruder: Intruder, markers: list[str]) -> str:
    """The log, once it has what it must have."""
    deadline = time.monotonic() + 5
    while True:
        logged = intruder.logged()
        if all(marker in logged for marker in markers) or time.monotonic() > deadline:
            return logged
        time.sleep(0.1)


def _problem(outcome: Outcome, logged: str, environment: Environment) -> str:
    """What is wrong with how a case came out; nothing if it is as it must be."""
    try:
        _judge(outcome, logged, environment)
    except Failed as failure:
        return str(failure)
    return ""


def _judge(outcome: Outcome, logged: str, environment: Environment) -> None:
    case, seen = outcome.case, _statuses(outcome.statuses)
    if case.passes:
        expect(outcome.marker in logged, f"{seen}, but MLflow's log does not have it: so it proves nothing")
        user = environment.stack.user.email
        expect(outcome.header("GAP-Auth") in ([user], [""], []), f"taken for {outcome.header('GAP-Auth')}")
    else:
        expect(outcome.marker not in logged, f"{seen}, and it reached MLflow")
    expect(outcome.statuses == case.statuses, f"{seen}, not {_statuses(case.statuses)}")
    for target in outcome.header("Location"):
        expect(_stays(target, environment), f"{seen}, and leads to {target}")
    handed_out = [cookie for cookie in outcome.header("Set-Cookie") if re.match(rf"{SESSION}(_\d+)?=[^;]", cookie)]
    expect(case.logs_in or not handed_out, f"{seen}, and a session")


def _stays(target: str, environment: Environment) -> bool:
    """Whether a redirect leads to the identity provider, or stays with the environment."""
    own = (f"{environment.stack.issuer}/auth?", f"{environment.uri}/")
    return target.startswith(own) or re.match(r"/(?![/\\])", target) is not None


def _statuses(statuses: tuple[int, ...]) -> str:
    return " ".join(map(str, statuses)) or "no answer"


CHECKS = [Check(f"refused: {group}", partial(_refused, group)) for group in GROUPS]
