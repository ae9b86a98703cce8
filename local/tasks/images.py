"""Which local program stands for a container image. A version that differs is refused: what is tried is what runs."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from local.errors import StackError
from local.settings import BIN, VENV

MLFLOW = re.compile(r"ghcr\.io/mlflow/mlflow:v(?P<version>[\w.]+)-full")
OAUTH2_PROXY = re.compile(r"quay\.io/oauth2-proxy/oauth2-proxy:v(?P<version>[\w.]+)")


@dataclass(frozen=True)
class Image:
    """What an image brings: its entry point (if any) and the folders that come first on PATH."""

    entry_point: tuple[str, ...]
    path: tuple[Path, ...]


def find(image: str) -> Image:
    """The local stand-in of an image; StackError if there is none."""
    if match := MLFLOW.fullmatch(image):
        _same_version(image, match["version"], version("mlflow"), "local/requirements.txt")
        return Image((), (VENV / "bin",))
    if match := OAUTH2_PROXY.fullmatch(image):
        program = BIN / f"oauth2-proxy-{match['version']}"
        built = ", ".join(sorted(one.name.removeprefix("oauth2-proxy-") for one in BIN.glob("oauth2-proxy-*"))) or "none"
        if not program.is_file():
            _same_version(image, match["version"], built, "OAUTH2_PROXY_VERSION in constructs/containers/images.ts")
        return Image((str(program),), ())
    raise StackError(
        f"image {image}: there is no local program for it",
        fix="the local stack knows the images of constructs/containers/images.ts; add yours to local/tasks/images.py",
    )


def _same_version(image: str, wanted: str, installed: str, place: str) -> None:
    if wanted != installed:
        raise StackError(
            f"image {image}: installed here is {installed}", fix=f"write the same version in {place}, then start again"
        )
