import argparse
import sys
from pathlib import Path

from local.proof import artifacts, browser, canary, client, destroy, gate, operations, refusals, state, storage
from local.proof.checks import cases, run
from local.proof.stack import Stack

PROOF = [*state.CHECKS, *gate.CHECKS, *refusals.CHECKS, *client.CHECKS, *artifacts.CHECKS, *storage.CHECKS, *browser.CHECKS]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.proof", description="Proves the running local stack end to end.")
    parser.add_argument("what", nargs="?", choices=["proof", "destroy"], default="proof")
    parser.add_argument("--stack", type=Path, required=True, help="stack.json of the running stack")
    parser.add_argument("--screenshots", type=Path, help="folder for the browser's screenshots")
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="checks whose name starts with one of these")
    arguments = parser.parse_args()
    if not arguments.stack.is_file():
        print(f"{arguments.stack}: no such file. Start the stack first: scripts/local.sh up", file=sys.stderr)
        return 2
    stack = Stack.read(arguments.stack, arguments.screenshots)
    if arguments.what == "destroy":
        chosen = cases(destroy.CHECKS, stack.environments) + destroy.leftovers(stack)
    else:
        # They take minutes, and say the same of each environment.
        disturbing = operations.CHECKS if len(stack.environments) == 1 else []
        checks = [one for one in [*PROOF, *disturbing, *canary.CHECKS] if one.name.startswith(tuple(arguments.only))]
        chosen = cases(checks, stack.environments)
    return 0 if run(chosen) else 1


sys.exit(main())
