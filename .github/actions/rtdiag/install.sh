#!/usr/bin/env bash
# Installs rtdiag into an environment of its own: it and the project under test share no dependency.
# Prints the folder to put on PATH, which holds the command alone; in a GitHub job the steps that follow have it there.
#
#   RTDIAG_INSTALL  what pip installs; empty is the checkout that this file lies in
#   RTDIAG_PYTHON   the Python to install with; empty is python3
#   RUNNER_TEMP     where it goes, below rtdiag/; without it, into build/ of the checkout
set -euo pipefail

checkout=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
wanted=${RTDIAG_INSTALL:-$checkout}
python=${RTDIAG_PYTHON:-python3}
home=${RUNNER_TEMP:-$checkout/build}/rtdiag

# -I: a json.py in the folder of the project under test is not what is imported
if ! "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "rtdiag needs Python 3.11 or newer, and $python is not: set one up before, or give the action python-version" >&2
  exit 2
fi

if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ]; then # a job may come here twice
  "$python" -I -m venv --clear "$home/venv"
  "$home/venv/bin/pip" install --quiet --disable-pip-version-check --no-input -- "$wanted" >&2
  mkdir -p "$home/bin"
  ln -sf "$home/venv/bin/rtdiag" "$home/bin/rtdiag"
  printf '%s\n' "$wanted" >"$home/installed"
fi

"$home/bin/rtdiag" --version >&2
printf '%s\n' "$home/bin" | tee -a "${GITHUB_PATH:-/dev/null}"
