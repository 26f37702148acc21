#!/bin/bash
# Many simulated agents: real protocol classes, real ZooKeeper sessions, and the real channel for as many as one machine connects each with
# each. Sourced by deploy/bench.sh, never run.

scale_server='' scale_work=''

scale_down() {
  [ -z "$scale_server" ] || kill "$scale_server" 2>/dev/null || true
  [ -z "$scale_work" ] || rm -rf "$scale_work"
}

# scale_store PORT - one server, as it comes but for the number of connections from one address.
scale_store() {
  rm -rf "$scale_work/store"
  mkdir "$scale_work/store"
  printf '%s\n' "dataDir=$scale_work/store" "clientPort=$1" clientPortAddress=127.0.0.1 maxClientCnxns=0 maxSessionTimeout=60000 \
    admin.enableServer=false 4lw.commands.whitelist=srvr >"$scale_work/zoo.cfg"
  java -Xmx1g -XX:+UseSerialGC -cp "$scale_path" org.apache.zookeeper.server.ZooKeeperServerMain "$scale_work/zoo.cfg" \
    >"$scale_work/store.log" 2>&1 &
  scale_server=$!
  wait_until 30 "ZooKeeper answers" scale_answers "$1"
}
scale_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf srvr >&3 && timeout 2 grep -q Mode <&3) 2>/dev/null; }

# scale_agents COUNT CHANNEL - one cluster of that many agents with ten machines each, in one JVM.
scale_agents() {
  local port=$((20000 + RANDOM % 10000)) key=-
  [ "$2" = calls ] || key=$scale_work/key
  scale_store "$port"
  timeout 300 java -Xmx4g -Xss256k -XX:+UseSerialGC "-Djava.util.logging.config.file=$scale_work/logging" -cp "$scale_path" \
    dev.holdfast.coordinator.scale.ScaleMain "127.0.0.1:$port" "$1" 10 "${rounds:-3}" "$key" 2>"$scale_work/errors" |
    jq -c --argjson store "$(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$scale_server/status")" \
      'if .formed_ms then .store_mb = $store else . end' | tee -a "$HF_SCRATCH/measured" || {
    warn "$1 agents by $2 did not end well"
    head -n 20 "$scale_work/errors" >&2
  }
  kill "$scale_server"
  wait "$scale_server" 2>/dev/null || true
  scale_server=''
}

bench_scale() {
  local size
  HF_SCRATCH=$(mktemp -d /tmp/holdfast-scale.XXXXXX)
  scale_work=$HF_SCRATCH
  mvn -q -B -pl coordinator test-compile dependency:build-classpath -Dmdep.includeScope=test "-Dmdep.outputFile=$scale_work/path" >&2
  scale_path=coordinator/target/test-classes:coordinator/target/classes:$(cat "$scale_work/path")
  printf '%s\n' handlers=java.util.logging.ConsoleHandler .level=SEVERE >"$scale_work/logging"
  (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$scale_work/key" && echo >>"$scale_work/key")
  ulimit -n "$(ulimit -Hn)"
  for size in 10 30; do scale_agents "$size" jgroups; done
  for size in 10 100 300 1000; do scale_agents "$size" calls; done
  jq -cs '{agents: (map(.agents // 0) | max), rounds: (map(select(.outcome)) | length), aborted: (map(select(.outcome and .outcome != "COMMITTED")) | length)}' \
    "$HF_SCRATCH/measured"
}
