#!/bin/bash
# deploy/test.sh [--soak] - builds everything and runs all the tests of the tree.
#
#   --soak      the long runs: 300,000 random walks, all interleavings within larger bounds, races repeated more often, tests of
#               the tag "soak", nodes that die at any moment of a round (more than an hour)
#   --offline   do not ask apt or Maven for anything new
#   -h, --help  this text
#
# Installs what is missing (says what), builds, and then runs two lanes beside each other: the Java tests of the agents with
# the installed QEMU and JDK, and then the tests of scripts that start a pacemaker; and, in a copy of the tree, the Java tests of
# coordinator, hypervisors and chains, those that depend on the JDK once more with the newest other one of this machine, those
# that depend on QEMU once more with QEMU 10 (fetched from Debian's backports, not installed), and the other tests of scripts.
# What is left of the second lane when a pacemaker runs has to be content with what that leaves of the processors. Then the totals.
# A lane that is not over after an hour and a half (--soak: twelve hours) is ended, and so is one test of scripts after 15 minutes (four hours).
# Exit status 0: everything passed.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/common.sh
. deploy/lib/packages.sh
. deploy/lib/lanes.sh
. deploy/lib/java-reports.sh

# Tests write much and wait until it is there: their /tmp is in memory, and seen by nobody else, where there is enough of it, and a
# kernel (6.6) whose tmpfs lets QEMU go around its cache.
roomy() { [ "$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 16 ]; }
own_mounts=$(readlink /proc/self/ns/mnt)
if [ "${HOLDFAST_OWN_TMP:-}" != "$own_mounts" ] && [[ $PWD/ != /tmp/* ]] && [ "$(id -u)" -eq 0 ] && roomy && unshare --mount true 2>/dev/null; then
  # shellcheck disable=SC2016  # for the shell there
  exec unshare --mount sh -c 'if mount -t tmpfs -o size=12g,mode=1777 holdfast-tests /tmp; then
      dd if=/dev/zero of=/tmp/direct oflag=direct bs=4096 count=1 status=none 2>/dev/null || umount /tmp
      rm -f /tmp/direct
    fi
    HOLDFAST_OWN_TMP=$(readlink /proc/self/ns/mnt) exec "$0" "$@"' deploy/test.sh "$@"
fi

soak=no
offline=no
while [ $# -gt 0 ]; do
  case $1 in
    --soak) soak=yes ;;
    --offline) offline=yes ;;
    -h | --help)
      sed -n '2,16s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      warn "unknown option '$1' (see --help)"
      exit 2
      ;;
  esac
  shift
done

# fail WHAT - kept for the last line.
fail() { echo "$1" >>"$work/failed"; }

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

maven() {
  local options=(-B -ntp -fae)
  [ "$offline" = yes ] && options+=(-o)
  say "mvn ${options[*]} $*"
  mvn "${options[@]}" "$@"
}

# fetch_qemu10 - sets qemu10 to the directory of an unpacked QEMU 10.
fetch_qemu10() {
  qemu10=$(HOLDFAST_CACHE=$(cache_dir) deploy/lib/qemu10.sh) && return 0
  qemu10=
  warn "no QEMU 10, so the tests cannot show that Holdfast works with it. Give the machine a network or a Debian mirror (HOLDFAST_DEBIAN), or put an unpacked QEMU 10 into $(cache_dir)/qemu10, and run this again"
  fail "QEMU 10"
}

# run_java CLASSES - tests with the installed QEMU and JDK.
run_java() {
  local options=()
  [ "$soak" = yes ] && options+=(-Dexcluded.tests= -Dholdfast.races=50 -Dholdfast.captures=30 -Dholdfast.walks=300000 -Dholdfast.check=large)
  HOLDFAST_OTHER_QEMU=$qemu10 maven test -pl coordinator,agent -Dtest="$1" -Dsurefire.failIfNoSpecifiedTests=false "${options[@]}"
}

# qemu_version FILE - what it says.
qemu_version() { "$1" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p'; }

# What depends on the version of QEMU: how machines are started, captured, restored, merged and replicated.
# Left out: what asks how Holdfast treats a process that is killed or stopped, which is the kernel's part.
qemu_classes='QemuHypervisorTest,QemuCaptureTest,QemuBackgroundFailureTest,QemuRestoreTest,QemuMergeTest,QemuDiskCopiesTest,VmSnapshotsQemuTest'
qemu_classes+=',SettleQemuTest,IncrementsQemuTest,QemuEncryptedMemoryTest,EncryptedSnapshotsQemuTest,QemuReplicationTest,QemuDiskReplicationTest,!QemuCaptureTest#aKilledOrHung*'

run_qemu10() {
  [ -n "$qemu10" ] || return 0
  say "once more with QEMU 10: $qemu_classes"
  HOLDFAST_TEST_QEMU=$qemu10 HOLDFAST_OTHER_QEMU=/ maven test -pl coordinator,agent -Dtest="$qemu_classes" \
    -Dsurefire.failIfNoSpecifiedTests=false -Dtest.reports=qemu10-reports
}

# What depends on the JDK: the language, sockets, libraries that reach into it, start-up; not what spends its time in QEMU.
jdk_classes='!MutantTest,!ModelCheckTest,!OutageTest,!LeadershipTest,!StoreLatencyTest,!ChannelProcessesTest,!ChannelFaultsTest'
jdk_classes+=',!ReplicaModelTest,!ReplicaMutantTest,!RandomWalkTest,!CatalogueTest,!GroupQueueTest,!DecisionLogTest'
jdk_classes+=',!ChainWalkTest,!WallsTest,!SourceBudgetTest,!ChainPlanModelTest,!IncrementsModelTest,!CrashPrefixTest'
jdk_classes+=',!GuardConsoleTest,!GuardDoubtTest,!GuardXenTest,!GuardLibvirtTest,!KeptVirshTest,!UmlLeftoversTest'

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

run_other_jdk() {
  [ -n "$other_jdk" ] || return 0
  say "once more with JDK $other_jdk ($other_java), without QEMU:"
  maven test -pl coordinator,agent -Djvm="$other_java" -Dexcluded.tests='soak | qemu | cluster' -Dtest="$jdk_classes" \
    -Dholdfast.walks=1000 -Dsurefire.failIfNoSpecifiedTests=false -Dtest.reports=jdk-reports
}

run_shellcheck() {
  local files
  mapfile -t files < <(shell_scripts)
  scripts=${#files[@]}
  say "shellcheck of $scripts scripts"
  shellcheck -x -P SCRIPTDIR "${files[@]}" || fail shellcheck
}

# Files of bats that start no pacemaker, and can run beside other tests.
plain_bats='/(ocf-wrapper/.*|bench|build|checks|cluster|cut-check|demo|e2e|exposure|faults|fuzz|guest-agent|lanes|launcher|licences|one-node|oracle|package|packages|pages'
plain_bats+='|quiesce|strike|units)\.bats$'

# run_bats PATTERN [-v] - the files that match, or those that do not.
run_bats() {
  local files tags=()
  mapfile -t files < <(find . -type d \( -name target -o -name .git \) -prune -o -name '*.bats' -print | sort)
  [ "$soak" = yes ] || mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v /soak/)
  mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -E ${2:+"$2"} "$1")
  [ "$soak" = yes ] || tags=(--filter-tags '!soak')
  bats --tap --timing "${tags[@]}" "${files[@]}" | tee "$work/bats.$BASHPID"
}

count_bats() { cat "$work"/bats.* | grep -c "$1" || true; }

# bats_remarks - names of the skipped tests of scripts, and of the failed ones of scripts; below each of these where it was, and what it said last.
bats_remarks() {
  awk '
    function tell() { for (i = said > 5 ? said - 4 : 1; i <= said; i++) print "           " substr(line[i], 1, 200) }
    /^(ok|not ok) / { if (failed) tell(); failed = /^not/; said = 0 }
    /^ok .* # skip/ { sub(/^ok [0-9]* /, ""); print "  skipped: " $0; next }
    /^not ok / { sub(/^not ok [0-9]* /, ""); print "  failed:  " $0; next }
    failed && /^# *(\(in test file|\(from function|in test file|`)/ { print "           " substr($0, 3, 200); next }
    failed { line[++said] = substr($0, 3) }
    END { if (failed) tell() }' "$work"/bats.*
}

build() { maven verify -DskipTests || fail build; }

# What hangs must not take a day of whoever waits for it: much more than a lane, or a test of a script, takes where four run beside each other.
lane_seconds=5400
export BATS_TEST_TIMEOUT=900
if [ "$soak" = yes ]; then
  lane_seconds=43200
  BATS_TEST_TIMEOUT=14400
fi

# The lanes. Two runs of Maven in one tree take each other's classes away, so the second lane has a copy of the tree.
agents=dev/holdfast/agent
agent_lane() {
  run_java "!dev/holdfast/coordinator/**,!$agents/hypervisor/**,!$agents/snapshot/**" || fail "Java tests of the agent"
}

second_lane() {
  cd "$work/copy"
  run_java "dev/holdfast/coordinator/**/*Test,$agents/hypervisor/**/*Test,$agents/snapshot/**/*Test" || fail "Java tests of coordinator and hypervisors"
  run_other_jdk || fail "JDK $other_jdk"
  run_qemu10 || fail "QEMU 10"
  find . -path './*/target/*-reports/*' -newer "$started" -type f -exec cp -a --parents -t "$HOLDFAST_ROOT" {} +
  cd "$HOLDFAST_ROOT"
  run_bats "$plain_bats" || fail bats
}

cluster_lane() { run_bats "$plain_bats" -v || fail bats; }

# step_back PROCESS - the lane takes the processors from nobody any more; pacemaker fences who is late.
step_back() { renice -n 3 -g "$1" >/dev/null 2>&1 || true; }

# Else a machine's QEMU, which is a session of its own, gets as much of the processors as all JVMs of the tests together, and nice means
# nothing between sessions: sched(7), "The autogroup feature". For the time of the tests, where it may be changed.
autogroup=/proc/sys/kernel/sched_autogroup_enabled
autogroup_off() {
  grouped=$(cat "$autogroup" 2>/dev/null) || grouped=''
  [ "$grouped" != 0 ] || grouped='' # it was turned off by somebody else, who may still need that
  [ -z "$grouped" ] || echo 0 2>/dev/null >"$autogroup" || grouped=''
}
autogroup_back() { [ -z "$grouped" ] || echo "$grouped" >"$autogroup" || true; }

# end_strays - machines of tests that were interrupted are sessions of their own. Who is in this run's mount namespace, which began with
# it, was started by it. Where it has none of its own, they stay.
end_strays() {
  local process
  [ "${HOLDFAST_OWN_TMP:-}" = "$own_mounts" ] || return 0
  for process in /proc/[0-9]*; do
    process=${process#/proc/}
    if [ "$process" = $$ ] || [ "$(readlink "/proc/$process/ns/mnt" 2>/dev/null)" != "$own_mounts" ]; then continue; fi
    warn "still there, and ended: $process $(tr '\0' ' ' 2>/dev/null <"/proc/$process/cmdline" | cut -c 1-80)"
    kill -KILL "$process" 2>/dev/null || true
  done
}

# What an interrupted run leaves: tests are asked to end, and clear away what they have started.
end_lanes() {
  trap '' INT TERM HUP
  autogroup_back
  signal_lanes TERM
  wait_until 60 "the lanes do not end" no_lane || signal_lanes KILL
  end_strays
  rm -rf "$work"
}

work=$(mktemp -d)
started=$work/started
touch "$started" "$work/bats.none" "$work/failed"
grouped=''
trap end_lanes EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
qemu10=
scripts=0
[ "$offline" = yes ] || install_packages holdfast_package_list holdfast_test_package_list
fetch_qemu10
read -r other_jdk other_java < <(newest_other_java) || true
autogroup_off
begin "$lane_seconds" build
end build $!
run_shellcheck
mkdir "$work/copy"
find . -mindepth 1 -maxdepth 1 ! -name .git -exec cp -a -t "$work/copy" {} +
begin "$lane_seconds" second_lane >"$work/second" 2>&1
second=$!
begin "$lane_seconds" agent_lane
end "agent's lane" $!
step_back "$second"
begin "$lane_seconds" cluster_lane
end "clusters' lane" $!
say "waiting for the lane beside it"
end "second lane" "$second"
cat "$work/second"

echo
echo "The slowest classes:"
java_slowest surefire 15
java_line surefire Java "QEMU $(qemu_version qemu-system-x86_64), JDK $(mvn --version | sed -n 's/^Java version: \([0-9]*\).*/\1/p')"
if [ -n "$qemu10" ]; then
  java_line qemu10 "QEMU 10" "QEMU $(QEMU_MODULE_DIR=$qemu10/usr/lib/x86_64-linux-gnu/qemu qemu_version "$qemu10/usr/bin/qemu-system-x86_64")"
fi
if [ -n "$other_jdk" ]; then java_line jdk "JDK $other_jdk" "without QEMU"; else echo "Other JDK:  none from 21 on below /usr/lib/jvm"; fi
echo "Shell:      $scripts scripts through shellcheck"
echo "Bats:       $(count_bats '^\(not \)\?ok ') tests, $(count_bats '^not ok ') failures, $(count_bats '^ok .* # skip') skipped"
bats_remarks
echo "Time:       $(elapsed) s"
if [ -s "$work/failed" ]; then
  echo "FAILED:     $(sort -u "$work/failed" | paste -s -d ',' | sed 's/,/, /g')"
  exit 1
fi
echo "PASSED"
