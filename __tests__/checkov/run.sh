#!/usr/bin/env bash
# Runs checkov over the synthesized examples and environments, and over plans of two of them. Needs what the local stack
# has installed, and installs checkov beside it: their dependencies do not go together.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
requirements=__tests__/checkov/requirements.txt
home=.local/checkov

stamp="$(.local/venv/bin/python --version) $(cksum <"$requirements") $PWD"
if [ "$(cat "$home/stamp" 2>/dev/null)" != "$stamp" ]; then
  rm -rf "$home"
  .local/venv/bin/python -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
  echo "$stamp" >"$home/stamp"
fi
npm run --silent build
export PYTHONPATH=$PWD/__tests__:$PWD PYTHONDONTWRITEBYTECODE=1
exec .local/venv/bin/python -m checkov.run
