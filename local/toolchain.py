"""What the stack needs beside the virtual environment: npm packages, the build, oauth2-proxy. Warm starts do nothing."""

import json
import os
import re
import shutil
from pathlib import Path

from local import processes
from local.errors import StackError
from local.report import Step
from local.settings import BIN, HOME, LOG, PROJECT

GO_MODULE = """\
module local

go 1.21

require github.com/oauth2-proxy/oauth2-proxy/v7 v{version}
"""
# `go install PACKAGE@VERSION` refuses a module that has replace directives; as a requirement it builds.
GO_SOURCE = """\
//go:build tools

package local

import _ "github.com/oauth2-proxy/oauth2-proxy/v7"
"""


async def prepare(step: Step) -> None:
    """Installs and builds what is missing."""
    log = LOG / "toolchain.log"
    if not _packages_installed():
        step.note("npm ci: node_modules did not fit package-lock.json")
        await processes.run("npm ci", ["npm", "ci", "--no-audit", "--no-fund"], log=log, env=os.environ, cwd=PROJECT)
    build = ["npm", "run", "--silent", "build"]
    await processes.run("build", build, log=log, env=os.environ, cwd=PROJECT, fix="npm run build tells more")
    version = oauth2_proxy_version()
    if not (BIN / f"oauth2-proxy-{version}").is_file():
        await _build_oauth2_proxy(version, log)
        step.note(f"built oauth2-proxy {version}")


def oauth2_proxy_version() -> str:
    """The version that the stack deploys."""
    source = (PROJECT / "dist/constructs/containers/images.js").read_text()
    found = re.search(r'OAUTH2_PROXY_VERSION = "([^"]+)"', source)
    if not found:
        raise StackError("dist/constructs/containers/images.js does not say OAUTH2_PROXY_VERSION", fix="npm run build")
    return found[1]


def _packages_installed() -> bool:
    """Whether node_modules has what package-lock.json asks for; npm keeps its own record of what it installed."""
    installed = PROJECT / "node_modules/.package-lock.json"
    if not installed.is_file():
        return False
    have = json.loads(installed.read_text())["packages"]
    want = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    return all(
        have.get(path, {}).get("version") == package.get("version")
        for path, package in want.items()
        if path and not package.get("optional") and not package.get("peer") and not package.get("link")
    )


async def _build_oauth2_proxy(version: str, log: Path) -> None:
    folder = HOME / "oauth2-proxy-build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(GO_MODULE.format(version=version))
    (folder / "tools.go").write_text(GO_SOURCE)
    env = {**os.environ, "CGO_ENABLED": "0"}
    package = "github.com/oauth2-proxy/oauth2-proxy/v7"
    flags = f"-s -w -X {package}/pkg/version.VERSION=v{version}"
    binary = BIN / f"oauth2-proxy-{version}"
    build = ["go", "build", "-mod=mod", "-buildvcs=false", "-trimpath", "-ldflags", flags, "-o", str(binary), package]
    await processes.run("go build", build, log=log, env=env, cwd=folder)
    shutil.rmtree(folder)
