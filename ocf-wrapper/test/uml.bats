#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a shell of its own, on purpose; words of ra.bash and uml.bash
# The resource agent and the thaw script with machines of User-Mode Linux, of which there are but stand-ins here. UmlGuardTest has the
# script with a real one.

load ra
load uml

setup() { ra_setup; }

thaw() {
    run "$BATS_TEST_DIRNAME/../thaw" --run-dir "$run_dir" "$@"
    echo "thaw: $status $output"
}

# ---- the resource agent ----

@test "a guest that runs is a success, one that is gone is not running" {
    uml_machine
    expect monitor 0
    ends "$first" "$storage"
    expect monitor 7
    probe
    expect monitor 7
}

@test "what has the disks of a guest open that has ended is a failure, so that a stop ends it before another node has them" {
    uml_machine
    ends "$first"
    expect monitor 1
    probe
    expect monitor 1
    reason "process $storage, the qemu-storage-daemon, has its disks open"
    expect stop 0
    gone "$storage"
    expect monitor 7
}

@test "a start leaves what has the disks of a guest open that has ended to the agent" {
    uml_machine
    ends "$first"
    agent_answers vm.start "kill -9 $storage; $(living)"
    expect start 0
    gone "$storage"
}

@test "a helper that outlived its kernel is a failure, and ended by a stop" {
    uml_machine
    kernel_process
    ends "$first"
    probe
    expect monitor 1
    reason "whose kernel has ended"
    expect stop 0
    gone "$process" && gone "$storage"
    expect monitor 7
}

@test "a kernel that no pid file names is a failure, and ended by a stop" {
    uml_machine
    for torn in '' 999999999 xyz; do
        echo "$torn" >"$dir/own/pid"
        expect monitor 1
    done
    rm "$dir/own/pid"
    expect monitor 1
    reason "no pid file names its kernel"
    expect stop 0
    gone "$first"
}

@test "a guest that has lost its disks: as on_io_error says" {
    uml_machine
    ends "$storage"
    expect monitor 1
    reason "lost its disks"
    OCF_RESKEY_on_io_error=keep expect monitor 190
}

@test "what shows disks to a guest that a revert has begun beside it shows none to the machine" {
    uml_machine revert1
    beside=$storage
    uml_machine
    ends "$storage"
    lives "$beside"
    expect monitor 1
    reason "lost its disks"
    expect stop 0
    gone "$beside"
}

# order_of PID: a socket to which a console was to answer that process.
order_of() {
    perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => shift) or die' "$dir/own/.order.$1.go"
}

@test "nothing is left of a machine that was stopped but its directories" {
    uml_machine
    echo "$storage" >"$dir/own/storage.pid"
    order_of 999999999
    expect stop 0
    [ -z "$(find "$dir" ! -type d ! -name stopped)" ]
}

@test "a guest that somebody has paused is degraded; a frozen one is well until its deadline" {
    waiting_machine
    expect monitor 190
    marker freeze 5000 "$(boottime_ms)"
    expect monitor 0
    marker hold 0 0
    expect monitor 0
}

@test "a guest that stands still past its deadline, and cannot be let run, is degraded" {
    waiting_machine
    marker freeze 1 1
    expect monitor 190
    [ -e "$dir/frozen" ]
}

@test "a guest that waits for a signal is degraded" {
    uml_machine
    kill -STOP "$first"
    expect monitor 190
    kill -CONT "$first"
    expect monitor 0
}

@test "a guest frozen past its deadline, with agent and guard dead: the monitor lets it run" {
    uml_machine
    console
    touch "$base/stopped"
    marker freeze 1 1
    expect monitor 0
    [ ! -e "$base/stopped" ] && [ ! -e "$dir/frozen" ]
}

@test "the machine is where the link leads, and what a revert has begun beside it is the machine, too" {
    uml_machine own
    old=$first
    uml_machine revert1
    ends "$old"
    expect monitor 0
    ln -s revert1 "$dir/place"
    expect monitor 0
    expect stop 0
    gone "$first" && gone "$storage"
}

@test "a stop asks the guest with Ctrl-Alt-Del, and ends what is left" {
    uml_machine
    kernel_process
    console
    touch "$base/obedient"
    expect stop 0
    [ "$(orders "$button")" -eq 1 ]
    gone "$first" && gone "$process" && gone "$storage"
}

@test "a guest that does not shut down is ended within the time, without an agent" {
    uml_machine
    console
    start=$(now_seconds)
    OCF_RESKEY_shutdown_timeout=2 expect stop 0
    [ $(($(now_seconds) - start)) -lt 10 ]
    [ "$(orders "$button")" -eq 1 ]
    gone "$first" && gone "$storage"
    expect stop 0
}

now_seconds() {
    read -r up _ </proc/uptime
    echo "${up%.*}"
}

@test "an agent that knows the machine is asked to stop it" {
    uml_machine
    answer='echo "{\"id\":1,\"result\":{}}"'
    agent_answers vm.console "$answer" vm.stop "kill -9 $first; $answer"
    expect stop 0
    [ "$(grep -c vm.stop "$base/asked")" -eq 1 ]
    gone "$first" && gone "$storage"
}

@test "a guest that somebody has paused is not waited for" {
    waiting_machine
    console
    start=$(now_seconds)
    expect stop 0
    [ $(($(now_seconds) - start)) -lt 10 ]
    [ "$(orders "$button")" -eq 0 ]
    gone "$first"
}

@test "a machine of another name is left alone" {
    uml_machine
    mine=$first
    dir=$run_dir/vms/web2
    uml_machine
    OCF_RESKEY_shutdown_timeout=0 expect stop 0
    gone "$mine"
    run gone "$first"
    [ "$status" -eq 1 ]
}

@test "what only has such words in its command line, as a grep, is no machine and not ended" {
    mkdir -p "$dir/own"
    socket="socket,id=agent,path=$dir/own/storage.sock,server=on,wait=off"
    for words in "uml_dir=$dir/own/" "$socket" "-e uml_dir=$dir/own/" "--regexp $socket" "--chardev x$socket" "umid=uml xuml_dir=$dir/own/"; do
        # shellcheck disable=SC2086  # words
        perl -e 'sleep 600' -- $words >/dev/null 2>&1 3>&- &
        pids="$pids $!"
        disown
        until grep -qs "$dir" "/proc/$!/cmdline"; do sleep 0.02; done
    done
    expect monitor 7
    expect stop 0
    for pid in $pids; do lives "$pid"; done
}

@test "traced processes are killed first, then helpers, and the first process last" {
    uml_machine
    kernel_process
    helper=$process
    perl -e 'syscall(101, 0, 0, 0, 0); sleep 600' umid=uml "uml_dir=$dir/own/" >/dev/null 2>&1 3>&- &
    traced=$!
    disown
    pids="$pids $traced"
    until grep -qs "^TracerPid:[[:space:]]*[1-9]" "/proc/$traced/status"; do sleep 0.02; done
    programs() { printf '%s\n' "$first" "$helper" "$traced"; }
    . "$BATS_TEST_DIRNAME/../uml.sh"
    run uml_kernels
    echo "$output"
    [ "$(xargs <<<"$output")" = "$traced $helper $first" ]
}

@test "without uml.sh: monitor says that it is missing, and a stop ends all of it" {
    uml_machine
    rm "$HOLDFAST_HOME/uml.sh"
    expect monitor 5
    reason "uml.sh is missing"
    expect stop 0
    gone "$first" && gone "$storage"
}

@test "without stop.sh: a stop ends all of it" {
    uml_machine
    kernel_process
    rm "$HOLDFAST_HOME/stop.sh"
    expect stop 0
    gone "$first" && gone "$process" && gone "$storage"
    grep -q "stop.sh is missing; install the package" "$base/log"
}

# ---- the thaw script ----

@test "thaw: a guest runs again, and its marker goes" {
    uml_machine
    console
    touch "$base/stopped"
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 0 ]
    [[ "$output" == *"web: runs"* ]]
    [ ! -e "$base/stopped" ] && [ ! -e "$dir/frozen" ]
    [ -z "$(find "$dir" -name '.order*')" ]
}

@test "thaw: an order to stop that waits in the guest is undone before it is said to run" {
    uml_machine
    console
    touch "$base/waiting"
    marker freeze 5000 1000
    thaw --all
    [ "$status" -eq 0 ]
    [ ! -e "$base/stopped" ] && [ ! -e "$dir/frozen" ]
    [ "$(orders "$go")" -ge 3 ]
}

@test "thaw: an order to stop that the guest's worker obeys late is undone before it is said to run" {
    uml_machine
    console
    echo 3 >"$base/lazy"
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 0 ]
    [ ! -e "$base/lazy" ] && [ ! -e "$base/stopped" ] && [ ! -e "$dir/frozen" ]
    [ "$(orders "$question")" -ge 4 ]
}

@test "thaw: a guest whose worker does not answer runs, and keeps its marker for the next who looks" {
    uml_machine
    console
    echo 1000 >"$base/lazy"
    marker freeze 1 1
    thaw web
    [ "$status" -eq 1 ]
    [[ "$output" == *"web: runs, but its kernel does no work"* ]]
    [ -e "$dir/frozen" ]
    echo 1 >"$base/lazy"
    expect monitor 0
    [ ! -e "$base/stopped" ] && [ ! -e "$dir/frozen" ]
}

@test "thaw: goes where the link leads" {
    uml_machine own
    uml_machine revert1
    ln -s revert1 "$dir/place"
    console revert1
    touch "$base/stopped"
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 0 ]
    [ ! -e "$base/stopped" ]
}

@test "thaw: a guest that does not answer keeps its marker; one that a user had paused stays so" {
    uml_machine
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not answer on $dir/own/uml/mconsole"* ]]
    [ -e "$dir/frozen" ]
    console
    touch "$base/stopped"
    sed -i 's/was_paused=0/was_paused=1/' "$dir/frozen"
    thaw web
    [ "$status" -eq 0 ]
    [ -e "$base/stopped" ] && [ ! -e "$dir/frozen" ]
    [ "$(orders "$go")" -eq 0 ]
}

@test "thaw: a guest that waits before its boot is let boot with --holds, and waited for" {
    held_machine
    marker hold 0 0
    thaw web
    [ "$status" -eq 0 ]
    [[ "$output" == *"held without a deadline"* ]]
    waits_for_a_signal "$first"
    {
        "$BATS_TEST_DIRNAME/../thaw" --run-dir "$run_dir" --holds web
        echo "status $?"
    } >"$base/thawed" 2>&1 3>&- &
    until ! waits_for_a_signal "$first" || grep -q status "$base/thawed"; do sleep 0.02; done
    console
    until grep -q status "$base/thawed"; do sleep 0.1; done
    cat "$base/thawed"
    grep -qx 'status 0' "$base/thawed"
    [ ! -e "$dir/frozen" ]
    lives "$first"
}

@test "thaw: the marker of a guest that has ended goes" {
    uml_machine
    ends "$first"
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 0 ]
    [[ "$output" == *"has ended"* ]]
    [ ! -e "$dir/frozen" ]
}

@test "thaw: sockets of those that were killed while they waited for an answer go" {
    uml_machine
    console
    order_of 999999999
    order_of $$
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 0 ]
    [ "$(ls -A "$dir/own")" = "$(printf '%s\n' ".order.$$.go" pid uml)" ]
}

@test "thaw: a machine that is one of QEMU by now is not taken for what it was" {
    uml_machine
    process_of
    marker freeze 5000 1000
    thaw web
    [ "$status" -eq 1 ]
    [[ "$output" == *"rescue.sock"* ]]
}
