#!/bin/bash
# deploy/test.sh [--soak] - builds everything and runs all the tests of the tree.
#
#   --soak      the long runs: 300,000 random walks, all interleavings within larger bounds, races repeated more often, tests of
#               the tag "soak", nodes that die at any moment of a round (more than an hour)
#   --offline   do not ask apt or Maven for anything new
#   -h, --help  this text
#
# Installs what is missing (says what), builds, runs the Java tests with the installed QEMU and JDK and beside them those of
# the scripts that start no cluster, then what depends on them once more with QEMU 10 (fetched from Debian's backports, not
# installed) and with the newest other JDK of this machine, then the other tests of scripts, and prints the totals.
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
      sed -n '2,13s/^# \{0,1\}//p' "$0"
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

# java_reports LANE - the reports of one run of Maven: surefire, qemu10 or jdk.
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

# java_remarks LANE - names of the Java tests that failed or were skipped, one per line with the reason's first words.
java_remarks() {
  java_reports "$1" | awk '
    /<testcase / { test = value($0, "classname") "." value($0, "name") }
    /<skipped/ { print "  skipped: " test " (" value($0, "message") ")" }
    /<failure/ { print "  failed:  " test }
    /<error/ { print "  error:   " test }
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
}

maven() {
  local options=(-B -ntp -fae)
  [ "$offline" = yes ] && options+=(-o)
  say "mvn ${options[*]} $*"
  mvn "${options[@]}" "$@"
}

# fetch_qemu10 - sets qemu10 to the directory of an unpacked QEMU 10.
fetch_qemu10() {
  qemu10=$(deploy/lib/qemu10.sh) && return 0
  qemu10=
  warn "no QEMU 10, so the tests cannot show that Holdfast works with it. Give the machine a network or a Debian mirror (HOLDFAST_DEBIAN), or put an unpacked QEMU 10 into $(cache_dir)/qemu10, and run this again"
  failed+=("QEMU 10")
}

run_maven() {
  local options=()
  [ "$soak" = yes ] && options+=(-Dexcluded.tests= -Dholdfast.races=50 -Dholdfast.captures=30 -Dholdfast.walks=300000 -Dholdfast.check=large)
  HOLDFAST_OTHER_QEMU=$qemu10 maven test -pl coordinator,agent "${options[@]}" || failed+=("mvn test")
}

# What depends on the version of QEMU: how machines are started, captured, restored, merged, and found again.
# Left out: what asks how Holdfast treats a process that is killed or stopped, which is the kernel's part.
qemu_classes='QemuHypervisorTest,QemuCaptureTest,QemuBackgroundFailureTest,QemuRestoreTest,QemuMergeTest,QemuDiskCopiesTest,VmSnapshotsQemuTest'
qemu_classes+=',RecoveryQemuTest,QemuReplicationTest,!QemuCaptureTest#aKilledOrHung*,!RecoveryQemuTest#aMachineThatIsKilled*'

run_qemu10() {
  [ -n "$qemu10" ] || return 0
  qemu10_version=$(QEMU_MODULE_DIR=$qemu10/usr/lib/x86_64-linux-gnu/qemu "$qemu10/usr/bin/qemu-system-x86_64" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
  say "once more with QEMU $qemu10_version: $qemu_classes"
  HOLDFAST_TEST_QEMU=$qemu10 HOLDFAST_OTHER_QEMU=/ maven test -pl coordinator,agent -Dtest="$qemu_classes" \
    -Dsurefire.failIfNoSpecifiedTests=false -Dtest.reports=qemu10-reports || failed+=("QEMU 10")
}

# What depends on the JDK: the language, sockets, libraries that reach into it, start-up; not what spends its time in QEMU.
jdk_classes='!MutantTest,!ModelCheckTest,!OutageTest,!LeadershipTest,!StoreLatencyTest,!ChannelProcessesTest,!ChannelFaultsTest'
jdk_classes+=',!ChainWalkTest,!WallsTest,!SourceBudgetTest,!ChainPlanModelTest,!CrashPrefixTest'

# java_major FILE - the number of a Java.
java_major() { "$1" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'; }

# newest_other_java - prints number and path of the newest Java from 21 on that is not the one Maven runs on.
newest_other_java() {
  local java major mine
  mine=$(mvn --version | sed -n 's/^Java version: \([0-9]*\).*/\1/p')
  for java in /usr/lib/jvm/*/bin/java; do
    [ -x "$java" ] || continue
    major=$(java_major "$java")
    [ "${major:-0}" -lt 21 ] || [ "$major" -eq "$mine" ] || echo "$major $java"
  done | sort -n | tail -n 1
}

find_other_jdk() {
  read -r other_jdk other_java < <(newest_other_java) || true
  if [ -n "$other_jdk" ]; then
    say "once more with JDK $other_jdk ($other_java), without QEMU, meanwhile:"
  else
    say "no other JDK from 21 on below /usr/lib/jvm: everything runs on one only"
  fi
}

run_other_jdk() {
  [ -n "$other_jdk" ] || return 0
  maven test -pl coordinator,agent -Djvm="$other_java" -Dexcluded.tests='soak | qemu | cluster' -Dtest="$jdk_classes" \
    -Dholdfast.walks=1000 -Dsurefire.failIfNoSpecifiedTests=false -Dtest.reports=jdk-reports
}

run_shellcheck() {
  local files
  mapfile -t files < <(shell_scripts)
  scripts=${#files[@]}
  say "shellcheck of $scripts scripts"
  [ "$scripts" -eq 0 ] || shellcheck -x -P SCRIPTDIR "${files[@]}" || failed+=(shellcheck)
}

# Files of bats that start no cluster and build nothing: they can run beside the Java tests.
plain_bats='/(vm|thaw|cut-check|oracle|launcher|package|packages|pages|units)\.bats$'

# bats_files plain|other
bats_files() {
  local files choose=()
  mapfile -t files < <(find . -type d \( -name target -o -name .git \) -prune -o -name '*.bats' -print | sort)
  [ "$soak" = yes ] || mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v /soak/)
  [ "$1" = plain ] || choose=(-v)
  printf '%s\n' "${files[@]}" | grep -E "${choose[@]}" "$plain_bats"
}

# run_bats plain|other
run_bats() {
  local files
  mapfile -t files < <(bats_files "$1")
  bats --tap --timing "${files[@]}"
}

count_bats() { grep -c "$1" "$bats_log" || true; }

started=$(mktemp)
trap 'rm -f "$started"' EXIT
qemu10='' qemu10_version='' other_jdk='' other_java=''
scripts=0
[ "$offline" = yes ] || install_packages holdfast_package_list holdfast_test_package_list
lane_log=$(mktemp) bats_log=$(mktemp)
trap 'rm -f "$started" "$lane_log" "$bats_log"' EXIT
fetch_qemu10
maven verify -DskipTests || failed+=(build)
# Compiled once, now against classes instead of jars: two runs at once must not compile into one place.
maven test-compile -pl coordinator,agent || failed+=("compilation of the tests")
run_shellcheck
run_bats plain >"$bats_log" 2>&1 &
bats_lane=$!
run_maven
wait "$bats_lane" || failed+=(bats)
cat "$bats_log"
find_other_jdk
# Beside each other: one mostly waits for QEMU, the other computes.
run_other_jdk >"$lane_log" 2>&1 &
jdk_lane=$!
run_qemu10
wait "$jdk_lane" || {
  cat "$lane_log"
  failed+=("JDK $other_jdk")
}
run_bats other | tee -a "$bats_log" || failed+=(bats)

echo
echo "The slowest classes:"
java_slowest surefire 15
java_line surefire Java "QEMU $(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p'), JDK $(mvn --version | sed -n 's/^Java version: \([0-9]*\).*/\1/p')"
if [ -n "$qemu10" ]; then java_line qemu10 "QEMU 10" "QEMU $qemu10_version"; fi
if [ -n "$other_jdk" ]; then java_line jdk "JDK $other_jdk" "without QEMU"; else echo "Other JDK:  none from 21 on below /usr/lib/jvm"; fi
echo "Shell:      $scripts scripts through shellcheck"
echo "Bats:       $(count_bats '^\(not \)\?ok ') tests, $(count_bats '^not ok ') failures, $(count_bats '^ok .* # skip') skipped"
echo "Time:       $(elapsed) s"
if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED:     ${failed[*]}"
  exit 1
fi
echo "PASSED"
