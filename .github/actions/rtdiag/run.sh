#!/usr/bin/env bash
# One run of rtdiag in a GitHub job: annotations and summary, the reports as files, and how it ended as the step's outputs.
# Ends with 0 whatever rtdiag says, so that the reports can be kept first. Its variables are those of action.yml.
set -euo pipefail
set -f # what is split at blanks below is not expanded to file names

home=$RUNNER_TEMP/rtdiag
mkdir -p "$INPUT_REPORT_DIR"

arguments=(run --output github)
for report in json=rtdiag.json junit=junit.xml markdown=rtdiag.md html=rtdiag.html; do
  file=$INPUT_REPORT_DIR/${report#*=}
  rm -f "$file" # a report of an earlier run is not taken for this one's
  arguments+=(--report "${report%%=*}=$file")
done
case $INPUT_EMULATOR in
  true) arguments+=(--emulator) ;;
  false | "") if [ -n "$INPUT_API_KEY" ]; then export OPENAI_API_KEY=$INPUT_API_KEY; fi ;;
  *)
    echo "::error title=rtdiag::the input emulator is true or false"
    echo "exit-code=2" >>"$GITHUB_OUTPUT"
    exit 0
    ;;
esac
unset INPUT_API_KEY
if [ -n "$INPUT_AS_OF" ]; then arguments+=(--as-of "$INPUT_AS_OF"); fi
if [ -n "$INPUT_FAIL_ON" ]; then arguments+=(--fail-on "$INPUT_FAIL_ON"); fi
for fault in $INPUT_FAULT; do arguments+=(--fault "$fault"); done
for word in $INPUT_ARGS; do arguments+=("$word"); done

# In the background, because bash passes no signal on: when the job is cancelled, rtdiag hangs up what it opened and still reports.
"$home/bin/rtdiag" "${arguments[@]}" &
pid=$!
stopped=
trap 'stopped=yes; kill -TERM "$pid" 2>/dev/null || true' INT TERM
code=0
wait "$pid" || code=$?
while [ -n "$stopped" ]; do # a wait that a signal ended is begun again
  stopped=
  code=0
  wait "$pid" || code=$?
done
echo "exit-code=$code" >>"$GITHUB_OUTPUT"

likeliest='
import json, pathlib, sys
report = pathlib.Path(sys.argv[1])
causes = json.loads(report.read_text(encoding="utf-8"))["diagnosis"] if report.exists() else []
print(*causes[0]["cause"].split() if causes else ())'
verdict=$("$home/venv/bin/python" -I -c "$likeliest" "$INPUT_REPORT_DIR/rtdiag.json")
echo "verdict=$verdict" >>"$GITHUB_OUTPUT"
