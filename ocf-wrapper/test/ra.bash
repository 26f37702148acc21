# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031,SC2034,SC2119,SC2120,SC2154  # each test is a shell of its own, on purpose; bats sets some
# Words for the tests of the resource agent: a machine is a real QEMU, or one made of socat where only its answers count.
# Loaded by the bats files, never run.

ra_setup() {
    ra=$BATS_TEST_DIRNAME/../vm
    base=$(mktemp -d /tmp/ra-XXXXXX)
    run_dir=$base/run
    dir=$run_dir/vms/web
    mkdir -p "$dir"
    export OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=web HA_RSCTMP=$base HA_LOGFACILITY=none HA_LOGFILE=$base/log
    export HA_DEBUGLOG=$base/log
    export OCF_RESKEY_vm=web OCF_RESKEY_run_dir=$run_dir OCF_RESKEY_CRM_meta_interval=10000
    export OCF_RESKEY_CRM_meta_timeout=20000
    export HOLDFAST_HOME=$base/home # as /usr/lib/holdfast
    mkdir "$HOLDFAST_HOME"
    ln -s "$BATS_TEST_DIRNAME"/../{thaw,replica.sh,start.sh,stop.sh,uml.sh,xen.sh} "$BATS_TEST_DIRNAME/../../agent/target/guard/holdfast-ask" \
        "$HOLDFAST_HOME"
    pids=
}

teardown() {
    for pid in $pids $(inheritors); do
        kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$base"
}

# inheritors: what was started in this test, as the children of a listener, by what each has in its environment.
inheritors() {
    env -u OCF_RESKEY_run_dir grep -l -s -a -F "OCF_RESKEY_run_dir=$run_dir" /proc/[0-9]*/environ | while IFS=/ read -r _ _ number _; do
        echo "$number"
    done
}

# qemu DIRECTORY WORD...: a real QEMU without a boot device; its firmware runs.
qemu() {
    at=$1
    shift
    mkdir -p "$at"
    qemu-system-x86_64 -name guest=web -machine pc-q35-7.2,accel=tcg -m 64 -nodefaults -display none \
        -daemonize -pidfile "$at/pid" -chardev "socket,id=r,path=$at/rescue.sock,server=on,wait=off" \
        -mon chardev=r,mode=control "$@" 3>&-
    process=$(cat "$at/pid")
    pids="$pids $process"
}

# ask COMMAND [DIRECTORY]: one QMP command to the real QEMU, which hangs up when it has answered.
ask() {
    printf '{"execute":"qmp_capabilities"}\n{"execute":"%s"}\n' "$1" | socat -t 60 - "UNIX-CONNECT:${2:-$dir}/rescue.sock"
}

# process_of [DIRECTORY]: a process that passes for the machine's: its command line names the directory.
process_of() {
    at=${1:-$dir}
    mkdir -p "$at"
    : >"$at/keep"
    tail -f "$at/keep" >/dev/null 2>&1 3>&- &
    process=$!
    disown
    until grep -q -s -a -F "$at/keep" "/proc/$process/cmdline"; do sleep 0.02; done # before that it is a shell of the test
    echo "$process" >"$at/pid"
    pids="$pids $process"
}

# qmp_says STATE: a rescue.sock that answers so, and a process.
qmp_says() {
    process_of
    cat >"$base/qmp" <<END
while read -r line; do
    echo "\$line" >>$base/qmp.log
    case \$line in *query-status*) echo '{"return": {"status": "$1", "running": false}}' ;; esac
done
END
    listen "$dir/rescue.sock" "$base/qmp"
}

# listen SOCKET SCRIPT: each connection runs the script. A socket's file is there a moment before anybody listens: it gets its name when
# the kernel says (flags 10000) that somebody does.
listen() {
    listener=$((${listener:-0} + 1))
    socat -t 30 "UNIX-LISTEN:$1.$listener,fork" "SYSTEM:sh $2" 3>&- >/dev/null 2>&1 &
    pids="$pids $!"
    disown
    until grep -q " 00010000 .* $1.$listener\$" /proc/net/unix; do sleep 0.02; done
    mv "$1.$listener" "$1"
}

# agent_answers COMMAND-PATTERN ANSWER...: an agent that answers what matches, and closes; what it was asked is in $base/asked.
agent_answers() {
    {
        echo "read -r line; echo \"\$line\" >>$base/asked"
        echo "case \$line in"
        while [ $# -gt 1 ]; do
            echo "*'\"$1\"'*) $2 ;;"
            shift 2
        done
        echo "esac; exit 0"
    } >"$base/agent"
    listen "$run_dir/agent.sock" "$base/agent"
}

result='echo "{\"id\":1,\"result\":{}}"'

# living: words for the agent that begin a process of the machine and answer when it is one.
living() {
    : >"$dir/keep"
    echo "tail -f $dir/keep >/dev/null 2>&1 & echo \$! >$dir/pid; until grep -q -s -a -F $dir/keep /proc/\$!/cmdline; do sleep 0.02; done; $result"
}

# refusal CODE: the agent's error.
refusal() {
    echo "echo '{\"id\":1,\"error\":{\"code\":\"$1\",\"message\":\"web: it says no\",\"cause\":\"so it is\",\"correction\":\"do better\",\"exit\":1}}'"
}

# marker KIND DEADLINE_MS SINCE_MS
marker() {
    printf 'token=t\ndeadline_ms=%s\nsince_boottime_ms=%s\nkind=%s\nwas_paused=0\n' "$2" "$3" "$1" >"$dir/frozen"
}

boottime_ms() {
    read -r up _ </proc/uptime
    echo $((${up%.*} * 1000))
}

# gone PID: it has ended (a zombie of this test has, too, unless threads of it are still to end).
gone() {
    read -r stat <"/proc/$1/stat" || return 0
    read -r -a fields <<<"${stat##*) }"
    [ "${fields[0]}" = Z ] && [ "${fields[17]}" -le 1 ]
} 2>/dev/null
# kill -0 would say yes of a zombie.
lives() { ! gone "$1"; }

probe() {
    export OCF_RESKEY_CRM_meta_interval=0
}

reason() {
    [[ "$output" == *"ocf-exit-reason:"*"$1"* ]]
}

expect() {
    run "$ra" "$1"
    echo "$1: $status, expected $2: $output"
    [ "$status" -eq "$2" ]
}
