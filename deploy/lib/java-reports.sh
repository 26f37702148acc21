#!/bin/bash
# What the reports of the Java tests say. Sourced by deploy/test.sh, never run; counts only what is newer than the file $started.

# java_reports LANE - the reports of one run of Maven: surefire, qemu10 or jdk.
# shellcheck disable=SC2154  # started is set by the script that sources this file
java_reports() { find . -path "*/target/$1-reports/TEST-*.xml" -newer "$started" -exec cat {} + 2>/dev/null; }

# java_totals LANE - counts of its reports: "tests failures errors skipped".
java_totals() {
  java_reports "$1" | awk '
    /<testsuite[ >]/ {
      line = $0
      while (line !~ />/ && (getline more) > 0) line = line " " more
      t += value(line, "tests"); f += value(line, "failures"); e += value(line, "errors"); s += value(line, "skipped")
    }
    function value(text, key) { return match(text, " " key "=\"[0-9]+\"") ? substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 4) + 0 : 0 }
    END { print t + 0, f + 0, e + 0, s + 0 }'
}

# java_remarks LANE - names of the Java tests that failed or were skipped, one per line, and below it the reason's first words.
java_remarks() {
  java_reports "$1" | awk '
    /<testcase / { test = value($0, "classname") "." value($0, "name") }
    /<skipped/ { print "  skipped: " test " (" value($0, "message") ")" }
    /<failure/ { print "  failed:  " test; print "           " reason($0) }
    /<error/ { print "  error:   " test; print "           " reason($0) }
    function reason(line,  text) {
      text = value(line, "message")
      gsub(/&#10;|\t/, " ", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&amp;/, "\\&", text)
      return substr(text, 1, 800)
    }
    function value(text, key) { return match(text, " " key "=\"[^\"]*\"") ? substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : "" }'
}

# java_slowest LANE COUNT - the classes that took longest.
java_slowest() {
  java_reports "$1" | awk '
    /<testsuite[ >]/ {
      line = $0
      while (line !~ />/ && (getline more) > 0) line = line " " more
      name = value(line, "name"); sub(/.*\./, "", name)
      printf "%7.1f s  %s\n", value(line, "time"), name
    }
    function value(text, key) { return match(text, " " key "=\"[^\"]*\"") ? substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : "" }' |
    sort -rn | head -n "$2"
}

java_line() {
  local lane=$1 title=$2 tests failures errors skipped
  read -r tests failures errors skipped < <(java_totals "$lane")
  printf '%-11s %s tests, %s failures, %s errors, %s skipped (%s)\n' "$title:" "$tests" "$failures" "$errors" "$skipped" "$3"
  java_remarks "$lane"
  [ "$tests" -gt 0 ] || fail "no Java test in the lane $lane"
}
