#!/bin/bash
# shellcheck disable=SC2034,SC2154  # variables shared with bench.sh and the libraries it sources
# deploy/bench.sh launcher. Sourced, never run; needs common.sh, cluster.sh, holdfast-lab.sh.
#
# For every JDK there is, with and without the archive that holdfast-prime makes: "holdfast --version"; the agent from the
# start of its process until its control socket answers and until it has joined the cluster, by its own log; its memory two
# seconds later; "holdfast vm list", which asks it. The variants take turns.

bench_launcher() {
  local i jdk variant
  rounds=${rounds:-10} nodes=1
  holdfast_prepare
  holdfast_up
  measured=$HF_SCRATCH/measured
  : >"$measured"
  variants=()
  while read -r jdk; do
    say "$(basename "$jdk"): making its archive"
    HOLDFAST_JAVA=$jdk/bin/java HOLDFAST_CACHE_DIR=$HF_SCRATCH/cache "$root/usr/bin/holdfast-prime" >&2 || die "no archive for $jdk"
    variants+=("$jdk none" "$jdk cache")
  done < <(jdks)
  ls -l "$HF_SCRATCH/cache" >&2
  start_store
  say "load of the machine: $(cut -d' ' -f1-3 /proc/loadavg)"
  for ((i = 0; i <= rounds; i++)); do
    for variant in "${variants[@]}"; do
      # shellcheck disable=SC2086  # two words
      launch_once $variant >"$HF_SCRATCH/one"
      [ "$i" -eq 0 ] || cat "$HF_SCRATCH/one" >>"$measured"
    done
  done
  launcher_table >&2
  launcher_figures
}

# jdks - directories of the JDKs that can run Holdfast, each once.
jdks() {
  local dir major
  for dir in /usr/lib/jvm/*; do
    [ -x "$dir/bin/java" ] || continue
    major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$dir/release" 2>/dev/null)
    [ "${major:-0}" -lt 17 ] || readlink -f "$dir"
  done | sort -u
}

launch_once() {
  local jdk=$1 cache=none begun log version_us pid rss list_us
  [ "$2" = none ] || cache=archive
  export HOLDFAST_JAVA=$jdk/bin/java HOLDFAST_CACHE_DIR=$HF_SCRATCH/$2
  begun=${EPOCHREALTIME/[.,]/}
  "$holdfast" --version >/dev/null
  version_us=$((${EPOCHREALTIME/[.,]/} - begun))
  log=$(node_dir n1)/log/agent.log
  : >"$log"
  begun=${EPOCHREALTIME/[.,]/}
  node_spawn n1 agent "$holdfast" --config "$(node_dir n1)/etc/holdfast.toml" agent
  wait_until 60 "the agent does not join" grep -q 'takes part in cluster' "$log" || { cat "$log" >&2; die "the agent does not start"; }
  sleep 2
  pid=$(cat "$(node_dir n1)/log/agent.pid")
  rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
  hf n1 vm list >/dev/null
  list_us=${EPOCHREALTIME/[.,]/}
  hf n1 vm list >/dev/null
  list_us=$((${EPOCHREALTIME/[.,]/} - list_us))
  jq -c -n --arg jdk "$(basename "$jdk")" --arg cache "$cache" --argjson version "$version_us" \
    --argjson socket "$(since "$begun" 'listens on' "$log")" --argjson joined "$(since "$begun" 'takes part in cluster' "$log")" \
    --argjson rss "$rss" --argjson list "$list_us" \
    '{jdk: $jdk, cache: $cache, version_ms: ($version / 1000), list_ms: ($list / 1000), socket_ms: $socket, joined_ms: $joined, rss_mib: ($rss / 1024)}'
  node_signal n1 agent TERM
  wait_until 20 "the agent does not end" agent_ended
  unset HOLDFAST_JAVA HOLDFAST_CACHE_DIR
}

agent_ended() { ! node_alive n1 agent; }

# since MICROSECONDS WORDS LOG - milliseconds from then to the line with these words; a line begins with its time of day.
since() {
  local at
  at=$(grep -m1 "$2" "$3" | cut -c1-12)
  awk -v us="$1" -v at="$(date -d "$(date +%F) $at" +%s%3N)" 'BEGIN { printf "%d", at - us / 1000 }'
}

launcher_figures() {
  jq -c -s 'def median: sort | .[length / 2 | floor] | . * 10 | round / 10;
    {launcher: [group_by([.jdk, .cache])[] | {jdk: .[0].jdk, cache: .[0].cache, runs: length, version_ms: (map(.version_ms) | median), list_ms: (map(.list_ms) | median),
      socket_ms: (map(.socket_ms) | median), joined_ms: (map(.joined_ms) | median), rss_mib: (map(.rss_mib) | median)}]}' "$measured"
}

launcher_table() {
  launcher_figures | jq -r '
    def pad(n): tostring | . + (" " * ([n - length, 0] | max));
    (["JDK", "archive", "runs", "--version", "vm list", "socket", "joined", "RSS MiB"] | [(.[0] | pad(28))] + (.[1:] | map(pad(11))) | join("")),
    (.launcher[] | [(.jdk | pad(28))] + ([.cache, .runs, .version_ms, .list_ms, .socket_ms, .joined_ms, .rss_mib] | map(pad(11))) | join("")),
    "Medians; milliseconds from the start of the process."'
}
