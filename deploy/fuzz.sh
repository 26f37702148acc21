#!/bin/bash
# deploy/fuzz.sh [OPTION]... [TARGET]... - feeds what reads bytes from outside with what nobody would send, guided by what it covers.
#
#   --inputs N     how many in all, divided among the targets by their shares (default 10000000)
#   --seed N       of the fuzzer's choices (default 1)
#   --file FILE    only this one input, of the one target that is named: how to repeat what was found
#   --list         prints the targets, and does nothing else
#   -h, --help     this text
#
# Targets, all without a name: see --list. Jazzer (libFuzzer for Java) runs each in a process of its own with 256 MiB of heap and 256
# descriptors, so that what is kept, or asked for by what was read, ends it. A hang is an input that takes a minute. An exception that is
# not declared is a crash. Inputs that covered something new stay in the cache (HOLDFAST_CACHE) for the next run. One that has failed is
# put below agent/src/test/resources/fuzz, from where every build tries it again (FuzzTest).
# The last line is JSON. Exit status 0: nothing found; 1: something; 2: usage. Needs a JDK and Maven, but not root.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
. deploy/lib/common.sh

usage_error() {
  warn "$1 (see --help)"
  exit 2
}

inputs=10000000 seed=1 file='' chosen=()
corpus=agent/src/test/resources/fuzz
# targets - NAME CLASS SHARE WHAT, one a line.
targets() { grep -v '^#' "$corpus/targets"; }

while [ $# -gt 0 ]; do
  case $1 in
    --inputs | --seed)
      [[ ${2:-} =~ ^[1-9][0-9]{0,9}$ ]] || usage_error "$1 takes a number from 1, not '${2:-}'"
      case $1 in --inputs) inputs=$2 ;; --seed) seed=$2 ;; esac
      shift
      ;;
    --file)
      case ${2:-} in /*) file=$2 ;; *) file=$called_from/${2:-} ;; esac
      [ -f "$file" ] || usage_error "--file takes a file, not '${2:-}'"
      shift
      ;;
    --list)
      targets | while read -r name _ share what; do printf '%-8s %3s  %s\n' "$name" "$share" "$what"; done
      exit
      ;;
    -h | --help)
      sed -n '2,15s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) usage_error "unknown option '$1'" ;;
    *)
      targets | grep -q "^$1 " || usage_error "unknown target '$1'; there are: $(targets | cut -d' ' -f1 | tr '\n' ' ')"
      chosen+=("$1")
      ;;
  esac
  shift
done
[ -z "$file" ] || [ ${#chosen[@]} -eq 1 ] || usage_error "--file wants one target"
[ ${#chosen[@]} -gt 0 ] || mapfile -t chosen < <(targets | cut -d' ' -f1)

work=$(mktemp -d /tmp/holdfast-fuzz.XXXXXX)
fuzzer=''
# shellcheck disable=SC2317,SC2329  # a trap
finish() {
  [ -z "$fuzzer" ] || kill "$fuzzer" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build() {
  say "compiling"
  mvn -q -B "$@" -pl coordinator,agent test-compile dependency:build-classpath -Dmdep.includeScope=test "-Dmdep.outputFile=$work/classpath" >"$work/build" 2>&1
}
build -o || build || {
  cat "$work/build" >&2
  die "the tests could not be compiled"
}
classpath=$PWD/agent/target/test-classes:$PWD/agent/target/classes:$(cat "$work/classpath")

# fuzz NAME CLASS INPUTS - one target; its log is $work/NAME.log.
fuzz() {
  local name=$1 class=$2 runs=$3 learnt what
  learnt=$(cache_dir)/fuzz/$name
  mkdir -p "$learnt" "$work/$name"
  if [ -n "$file" ]; then what=("$file"); else what=(-runs="$runs" -seed="$seed" "$learnt" "$PWD/$corpus/${class##*.}"); fi
  (
    cd "$work/$name"
    ulimit -n 256
    exec java -Xmx256m -XX:+UseSerialGC -XX:-OmitStackTraceInFastThrow -Djava.io.tmpdir="$work/$name" -cp "$classpath" \
      com.code_intelligence.jazzer.Jazzer "--target_class=$class" --reproducer_path="$work/$name" \
      '--instrumentation_includes=dev.holdfast.**:com.fasterxml.jackson.core.json.ReaderBasedJsonParser:org.tomlj.**' \
      -artifact_prefix="$work/$name/found-" -timeout=60 -rss_limit_mb=1600 -max_len=4096 -print_final_stats=1 "${what[@]}"
  ) >"$work/$name.log" 2>&1 &
  fuzzer=$!
  local status=0
  wait "$fuzzer" || status=$?
  fuzzer=''
  return "$status"
}

# kind LOG - what the fuzzer ended with.
kind() {
  if grep -q 'libFuzzer: timeout' "$1"; then
    echo hang
  elif grep -qE 'OutOfMemoryError|libFuzzer: out-of-memory|Too many open files' "$1"; then
    echo leak
  else echo crash; fi
}

# keep NAME CLASS - what was found goes to the corpus; says how to repeat it.
keep() {
  local found kept
  sed -n '/^== Java Exception/,/^DEDUP_TOKEN/p; /^==.*ERROR: libFuzzer/p' "$work/$1.log" | head -n 40 >&2
  for found in "$work/$1"/found-*; do
    [ -f "$found" ] || { tail -n 40 "$work/$1.log" >&2 && return; }
    kept=$corpus/${2##*.}/${found##*/}
    cp "$found" "$kept"
    say "kept as $kept; once more: deploy/fuzz.sh --file $kept $1"
  done
}

total=0 crash=0 hang=0 leak=0 shares=0
while read -r name _ share _; do
  case " ${chosen[*]} " in *" $name "*) shares=$((shares + share)) ;; esac
done < <(targets)
printf '%-8s %9s %9s %7s %7s  %s\n' target inputs inputs/s covered corpus found
for name in "${chosen[@]}"; do
  read -r _ class share _ < <(targets | grep "^$name ")
  result=none begun=$(now_ms)
  fuzz "$name" "$class" $((inputs * share / shares + 1)) || result=$(kind "$work/$name.log")
  took=$(($(now_ms) - begun))
  run=$(sed -n 's/^stat::number_of_executed_units: *//p; s/^#\([0-9]*\).*/\1/p; s/^Executed .*/1/p' "$work/$name.log" | tail -n 1)
  read -r covered kept < <(sed -n 's/^#.* cov: \([0-9]*\).* corp: \([0-9]*\).*/\1 \2/p' "$work/$name.log" | tail -n 1) || true
  printf '%-8s %9d %9d %7s %7s  %s\n' "$name" "${run:-0}" $((${run:-0} * 1000 / took)) "${covered:--}" "${kept:--}" "$result"
  total=$((total + ${run:-0}))
  if [ "$result" != none ]; then
    printf -v "$result" '%d' $((${!result} + 1))
    [ -n "$file" ] || keep "$name" "$class"
  fi
done
printf '{"inputs":%d,"crashes":%d,"hangs":%d,"leaks":%d}\n' "$total" "$crash" "$hang" "$leak"
[ $((crash + hang + leak)) -eq 0 ]
