#!/bin/bash
# deploy/test.sh [--soak] - builds everything and runs all the tests of the tree.
#
#   --soak      also the long runs (tag "soak"): a million walks, larger bounds
#   --offline   do not ask apt or Maven for anything new
#   -h, --help  this text
#
# Installs what is missing (says what), runs "mvn verify", shellcheck and bats, and prints the totals.
# Exit status 0: everything passed.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/common.sh
. deploy/lib/packages.sh

soak=no
offline=no
while [ $# -gt 0 ]; do
  case $1 in
    --soak) soak=yes ;;
    --offline) offline=yes ;;
    -h | --help)
      sed -n '2,10s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      warn "unknown option '$1' (see --help)"
      exit 2
      ;;
  esac
  shift
done

failed=()

# Scripts of the tree: *.sh, *.bats and whatever has a shell in its first line.
shell_scripts() {
  local file first
  while IFS= read -r file; do
    case $file in
      *.sh) echo "$file" ;;
      *.bats | *.java | *.md | *.xml | *.json | *.toml) ;;
      *)
        first=
        IFS= read -r first <"$file" 2>/dev/null || true
        case $first in '#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'*) echo "$file" ;; esac
        ;;
    esac
  done < <(find . -type d \( -name target -o -name .git -o -name node_modules \) -prune -o -type f -size -256k -print | sort) 2>/dev/null
}

# Counts of all surefire and failsafe reports: "tests failures errors skipped".
java_totals() {
  find . -path '*/target/*-reports/TEST-*.xml' -newer "$started" -exec cat {} + 2>/dev/null | awk '
    /<testsuite[ >]/ {
      line = $0
      while (line !~ />/ && (getline more) > 0) line = line " " more
      t += value(line, "tests"); f += value(line, "failures"); e += value(line, "errors"); s += value(line, "skipped")
    }
    function value(text, key) { return match(text, " " key "=\"[0-9]+\"") ? substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 4) + 0 : 0 }
    END { print t + 0, f + 0, e + 0, s + 0 }'
}

# Names of the Java tests that failed or were skipped, one per line with the reason's first words.
java_remarks() {
  find . -path '*/target/*-reports/TEST-*.xml' -newer "$started" -exec cat {} + 2>/dev/null | awk '
    /<testcase / { test = value($0, "classname") "." value($0, "name") }
    /<skipped/ { print "  skipped: " test " (" value($0, "message") ")" }
    /<failure/ { print "  failed:  " test }
    /<error/ { print "  error:   " test }
    function value(text, key) { return match(text, " " key "=\"[^\"]*\"") ? substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : "" }'
}

run_maven() {
  local options=(-B -ntp -fae)
  [ "$offline" = yes ] && options+=(-o)
  [ "$soak" = yes ] && options+=(-Dexcluded.tests=)
  say "mvn ${options[*]} verify"
  mvn "${options[@]}" verify || failed+=("mvn verify")
}

run_shellcheck() {
  local files
  mapfile -t files < <(shell_scripts)
  scripts=${#files[@]}
  say "shellcheck of $scripts scripts"
  [ "$scripts" -eq 0 ] || shellcheck -x -P SCRIPTDIR "${files[@]}" || failed+=(shellcheck)
}

run_bats() {
  local files log
  mapfile -t files < <(find . -type d \( -name target -o -name .git \) -prune -o -name '*.bats' -print | sort)
  say "bats of ${#files[@]} files"
  [ ${#files[@]} -gt 0 ] || return 0
  log=$(mktemp)
  bats --tap "${files[@]}" | tee "$log" || failed+=(bats)
  bats_passed=$(grep -c '^ok ' "$log" || true)
  bats_skipped=$(grep -c '^ok .* # skip' "$log" || true)
  bats_failed=$(grep -c '^not ok ' "$log" || true)
  rm -f "$log"
}

started=$(mktemp)
trap 'rm -f "$started"' EXIT
scripts=0 bats_passed=0 bats_skipped=0 bats_failed=0
[ "$offline" = yes ] || install_packages
run_maven
run_shellcheck
run_bats

read -r tests failures errors skipped < <(java_totals)
echo
echo "Java:       $tests tests, $failures failures, $errors errors, $skipped skipped"
java_remarks
echo "Shell:      $scripts scripts through shellcheck"
echo "Bats:       $((bats_passed + bats_failed)) tests, $bats_failed failures, $bats_skipped skipped"
echo "Time:       $(elapsed) s"
if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED:     ${failed[*]}"
  exit 1
fi
echo "PASSED"
