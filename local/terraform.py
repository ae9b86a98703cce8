"""How Terraform gets the AWS provider: from the registry, or from a mirror in a folder where that cannot be reached."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from local.errors import StackError
from local.report import Step
from local.settings import HOME, PROJECT

REGISTRY = "registry.terraform.io"
PROVIDER = Path(REGISTRY) / "hashicorp" / "aws"
CONFIGURATION = HOME / "terraform.tfrc"
DEPTH = 4
MIRROR = """\
provider_installation {{
  filesystem_mirror {{
    path    = "{path}"
    include = ["hashicorp/aws"]
  }}
  direct {{
    exclude = ["hashicorp/aws"]
  }}
}}
"""


def settings(step: Step) -> dict[str, str]:
    """Environment variables for Terraform; says in a note of the step what it found."""
    preset = os.environ.get("TF_CLI_CONFIG_FILE")
    if preset and Path(preset).is_file():
        return {"TF_CLI_CONFIG_FILE": preset}
    if preset:
        step.note(f"TF_CLI_CONFIG_FILE={preset} is ignored: there is no such file")
    if any(Path.home().joinpath(name).is_file() for name in (".terraformrc", "terraform.rc", ".tofurc")):
        return {"TF_CLI_CONFIG_FILE": ""}
    if _reachable():
        # cdktf takes Terraform's warning about a missing file for an error.
        CONFIGURATION.write_text("")
        return {"TF_CLI_CONFIG_FILE": str(CONFIGURATION)}
    mirror = next(_mirrors(), None)
    if mirror is None:
        raise StackError(
            f"{REGISTRY} cannot be reached, and no folder has a mirror of the AWS provider",
            fix="on a machine that reaches it: terraform providers mirror DIR; put DIR at ~/.terraform.d/plugins here",
        )
    CONFIGURATION.write_text(MIRROR.format(path=mirror))
    step.note(f"{REGISTRY} cannot be reached: the AWS provider comes from {mirror}")
    return {"TF_CLI_CONFIG_FILE": str(CONFIGURATION)}


def uses_mirror(variables: dict[str, str]) -> bool:
    """Whether the lock file cannot get the checksums of other platforms."""
    file = variables.get("TF_CLI_CONFIG_FILE")
    return bool(file) and "filesystem_mirror" in Path(file).read_text()


def _reachable() -> bool:
    try:
        socket.create_connection((REGISTRY, 443), timeout=3).close()
        return True
    except OSError:
        return bool(os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"))


def _mirrors() -> Iterator[Path]:
    """First the folders that Terraform looks into by itself, then a few levels of those that machines share."""
    home = Path.home()
    data = [os.environ.get("XDG_DATA_HOME") or str(home / ".local/share")]
    data += (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    implied = [PROJECT / "terraform.d/plugins", home / ".terraform.d/plugins"]
    if sys.platform == "darwin":
        implied += [home / "Library/Application Support/io.terraform/plugins"]
        implied += [Path("/Library/Application Support/io.terraform/plugins")]
    implied += [Path(one) / "terraform/plugins" for one in data]
    yield from (one for one in implied if (one / PROVIDER).is_dir())
    for root in (Path("/opt"), Path("/usr/share"), Path("/usr/local/share"), home):
        yield from _below(root, DEPTH)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / PROVIDER).is_dir():
        yield folder
    if depth:
        try:
            inner = [Path(one.path) for one in os.scandir(folder) if one.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for one in sorted(inner):
            if one.name not in ("node_modules", ".git", ".cache"):
                yield from _below(one, depth - 1)
