#!/usr/bin/env bash
# Starts `rtdiag emulator` in the background, with the options given, and returns once it answers.
# Prints OPENAI_BASE_URL, OPENAI_API_KEY and RTDIAG_EMULATOR_PID as NAME=VALUE lines, with --tls SSL_CERT_FILE and
# NODE_EXTRA_CA_CERTS, too; in a GitHub job the steps that follow have them as variables. `kill "$RTDIAG_EMULATOR_PID"` ends it.
set -euo pipefail

patience_s=60 # for each line of what it prints when it listens
folder=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/rtdiag-emulator.XXXXXX")
mkfifo "$folder/printed"
rtdiag emulator "$@" >"$folder/printed" 2>"$folder/told" </dev/null &
pid=$!

environment=
while [[ $environment != *OPENAI_API_KEY=* ]] && IFS= read -r -t "$patience_s" line; do
  case $line in
    OPENAI_*=* | SSL_CERT_FILE=* | NODE_EXTRA_CA_CERTS=*) environment+=$line$'\n' ;;
    *) echo "$line" >&2 ;;
  esac
done <"$folder/printed" # opened once: this end and the emulator's meet here, and an emulator that dies ends the loop

cat "$folder/told" >&2
if [[ $environment != *OPENAI_API_KEY=* ]]; then
  kill "$pid" 2>/dev/null || true
  code=0
  wait "$pid" || code=$?
  echo "the emulator did not start" >&2
  exit $((code > 0 ? code : 1))
fi
printf '%sRTDIAG_EMULATOR_PID=%s\n' "$environment" "$pid" | tee -a "${GITHUB_ENV:-/dev/null}"
