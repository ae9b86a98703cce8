"""The command line behind scripts/local.sh."""

import argparse
import sys
from pathlib import Path

from local import commands
from local.errors import StackError
from local.report import complain
from local.settings import PROJECT
from local.token_client import LoginError

ENVIRONMENTS = PROJECT / "local" / "environments"


def main() -> int:
    """Carries one command out; mistakes and failures are told, not raised."""
    arguments = vars(_parse())
    try:
        return arguments.pop("run")(**arguments)
    except StackError as error:
        complain(error.lines())
    except LoginError as error:
        complain([str(error)])
    return 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/local.sh", description="The whole stack on this machine, without an AWS account."
    )
    names = parser.add_subparsers(required=True, metavar="COMMAND")

    up = names.add_parser("up", help="start it; Ctrl-C stops it")
    up.add_argument("--check", action="store_true", help="prove that it works, stop it, exit with the result")
    up.add_argument("--detach", action="store_true", help="leave it in the background when it is ready")
    up.add_argument(
        "--environments",
        type=Path,
        metavar="DIR",
        default=ENVIRONMENTS,
        help=f"deploy every *.yaml of DIR (default: {ENVIRONMENTS.relative_to(PROJECT)})",
    )
    up.set_defaults(run=commands.up)

    names.add_parser("down", help="stop it, also what a crash left").set_defaults(run=commands.down)
    names.add_parser("status", help="what runs, and how it is").set_defaults(run=commands.status)

    logs = names.add_parser("logs", help="follow the logs")
    logs.add_argument("name", nargs="?", default="", metavar="NAME", help="only those with NAME in their path: mlflow")
    logs.set_defaults(run=commands.logs)

    env = names.add_parser("env", help='for Python: eval "$(scripts/local.sh env)"')
    env.add_argument("--environment", metavar="NAME", help="which one, if there are several")
    env.set_defaults(run=commands.env)

    token = names.add_parser("token", help="print a fresh token of a demo user")
    token.add_argument("user", metavar="USER", help="such as user@example.com")
    token.add_argument("--environment", metavar="NAME", help="for which one, if there are several")
    token.set_defaults(run=commands.token)
    return parser.parse_args()


sys.exit(main())
