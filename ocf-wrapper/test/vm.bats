#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a shell of its own, on purpose; words of ra.bash
# The resource agent: real QEMU where a claim is about QEMU, a QEMU or an agent made of socat where only its answers count.

load ra

setup() { ra_setup; }

# ---- meta-data, parameters ----

@test "the metadata is valid by the OCF 1.1 schema" {
    schema=$(. "$BATS_TEST_DIRNAME/../../deploy/lib/common.sh" && . "$BATS_TEST_DIRNAME/../../deploy/lib/packages.sh" && ocf_schema)
    "$ra" meta-data >"$base/meta.xml"
    xmllint --noout --relaxng "$schema" "$base/meta.xml"
}

@test "every time in the metadata has its unit" {
    run "$ra" meta-data
    [ "$status" -eq 0 ]
    run grep -E '(timeout|interval)="[0-9]*[^s0-9]*"' <<<"$output"
    [ "$status" -eq 1 ]
}

@test "meta-data needs neither parameters nor the shared functions" {
    unset OCF_RESKEY_vm
    OCF_ROOT=/nowhere expect meta-data 0
}

@test "an action that is not known is not implemented" {
    expect recover 3
}

@test "wrong parameters: start, monitor, validate-all say so everywhere" {
    for wrong in "vm=" "vm=../web" "vm=.web" "vm=we b" "run_dir=run" "on_io_error=reboot" "shutdown_timeout=1m" "copy_disks=perhaps"; do
        for action in start validate-all monitor reload-agent; do
            case $wrong:$action in on_io_error*:[mr]* | shutdown*:[mr]* | copy*:[mr]*) continue ;; esac
            run env "OCF_RESKEY_$wrong" "$ra" "$action"
            echo "$wrong $action: $status $output"
            [ "$status" -eq 6 ]
            reason "parameter ${wrong%%=*}"
        done
    done
}

@test "a typo in a parameter that may change while the machine runs: it is watched and stopped as by default" {
    qemu "$dir"
    for wrong in "on_io_error=reboot" "shutdown_timeout=1m" "copy_disks=perhaps"; do
        run env "OCF_RESKEY_$wrong" "$ra" reload-agent
        [ "$status" -eq 0 ]
        grep -q "using the default instead: .*${wrong%%=*}" "$base/log"
        : >"$base/log"
        run env "OCF_RESKEY_$wrong" "$ra" monitor
        [ "$status" -eq 0 ]
        run env "OCF_RESKEY_$wrong" OCF_RESKEY_CRM_meta_interval=0 "$ra" monitor
        [ "$status" -eq 0 ]
    done
    OCF_RESKEY_shutdown_timeout=0s expect validate-all 0
    run env OCF_RESKEY_on_io_error=reboot OCF_RESKEY_shutdown_timeout=0 "$ra" stop
    [ "$status" -eq 0 ]
    gone "$process"
}

@test "wrong parameters: a stop succeeds, a probe says not running" {
    export OCF_RESKEY_vm=../web
    expect stop 0
    probe
    expect monitor 7
}

# ---- environment ----

@test "without the rest of its package: start and monitor say that it is missing, a probe and a stop do without" {
    rm "$HOLDFAST_HOME/holdfast-ask"
    expect start 5
    reason "holdfast-ask is missing; install the package"
    process_of
    expect monitor 5
    OCF_RESKEY_CRM_meta_interval=0 expect monitor 0
    expect stop 0
    gone "$process"
    expect monitor 7
}

@test "without a run directory: not running, and stopped" {
    rm -r "$run_dir"
    expect monitor 7
    probe
    expect monitor 7
    expect stop 0
}

@test "with a run directory that cannot be written a stop ends the machine" {
    process_of
    : >"$base/file"
    mkdir "$dir/stopped" # the note cannot be written
    expect stop 0
    gone "$process"
}

@test "a pid file that is torn, or names a stranger, is no machine; a stop does not touch the stranger" {
    for text in '' 'x' '99999999' "1
2"; do
        printf '%s' "$text" >"$dir/pid"
        expect monitor 7
        expect stop 0
    done
    sleep 1000 >/dev/null 2>&1 3>&- &
    stranger=$!
    pids="$pids $stranger"
    echo "$stranger" >"$dir/pid"
    expect monitor 7
    expect stop 0
    lives "$stranger"
}

@test "real QEMU: the pid file is torn or gone: it runs, and a stop ends it" {
    export OCF_RESKEY_shutdown_timeout=0
    for how in ': >' 'echo x >' 'rm'; do
        qemu "$dir"
        eval "$how $dir/pid"
        expect monitor 0
        ask stop # so that no answer of QEMU's says it all
        probe
        expect monitor 190
        expect stop 0
        gone "$process"
        expect monitor 7
        export OCF_RESKEY_CRM_meta_interval=10000
    done
}

@test "real QEMU: one that waits for memory beside is no machine yet; a stop ends it, too" {
    qemu "$dir/incoming" -incoming defer
    probe
    expect monitor 7
    OCF_RESKEY_shutdown_timeout=0 expect stop 0
    gone "$process"
}

# ---- monitor: what is running ----

@test "real QEMU: running is success, paused by a user is degraded, gone is not running" {
    qemu "$dir"
    expect monitor 0
    ask stop
    expect monitor 190
    grep -q "says 'paused'" "$base/log"
    ask cont
    expect monitor 0
    kill -9 "$process"
    until gone "$process"; do sleep 0.05; done
    expect monitor 7
}

@test "real QEMU: the monitor of a machine that runs does without the shared functions" {
    qemu "$dir"
    OCF_FUNCTIONS_DIR=$base/none expect monitor 0
    ask stop
    OCF_FUNCTIONS_DIR=$base/none run "$ra" monitor
    [ "$status" -ne 0 ]
}

@test "real QEMU: not yet begun, and waiting for its memory, are degraded" {
    qemu "$dir" -S
    expect monitor 190
    ask quit
    until gone "$process"; do sleep 0.05; done
    qemu "$dir" -incoming defer
    expect monitor 190
}

@test "real QEMU: one that hangs fails the monitor within its time-out" {
    qemu "$dir"
    kill -STOP "$process"
    expect monitor 1
    reason "does not answer on $dir/rescue.sock"
}

@test "real QEMU: somebody else on rescue.sock: the agent is asked before anything is failed" {
    qemu "$dir"
    mkfifo "$base/held"
    socat "PIPE:$base/held" "UNIX-CONNECT:$dir/rescue.sock" 3>&- >/dev/null 2>&1 &
    pids="$pids $!"
    disown
    until grep -q QMP "$base/held"; do sleep 0.05; done # it was greeted
    agent_answers vm.show 'echo "{\"id\":1,\"result\":{\"name\":\"web\",\"state\":\"running\"}}"'
    expect monitor 0
}

@test "a frozen machine is well until its deadline, and QEMU is not even asked" {
    process_of # has no rescue.sock
    marker freeze 600000 "$(boottime_ms)"
    expect monitor 0
}

@test "a held machine is well at first, and degraded when that lasts" {
    process_of
    marker hold 0 0
    expect monitor 0
    touch -d '15 seconds ago' "$dir/frozen" # half of what it may
    expect monitor 0
    touch -d '40 seconds ago' "$dir/frozen"
    expect monitor 190
    grep -q "revert that is not decided" "$base/log"
}

@test "real QEMU: frozen past its deadline, with agent and guard dead: the monitor lets it run" {
    qemu "$dir"
    ask stop
    marker freeze 1000 $(($(boottime_ms) - 10000))
    expect monitor 0
    [[ "$(ask query-status)" == *'"status": "running"'* ]]
    [ ! -e "$dir/frozen" ]
}

@test "a torn marker counts as past its deadline" {
    qmp_says running
    echo token=t >"$dir/frozen"
    expect monitor 0
    [ ! -e "$dir/frozen" ]
}

@test "frozen past its deadline and not to be thawed is reported" {
    qmp_says io-error
    marker freeze 1000 1000
    expect monitor 1
    reason "io-error"
}

@test "each state of QEMU has its answer" {
    for row in running:0 paused:190 debug:190 suspended:190 save-vm:190 restore-vm:190 finish-migrate:190 postmigrate:190 \
        inmigrate:190 prelaunch:190 colo:190 io-error:1 guest-panicked:1 internal-error:1 watchdog:1 shutdown:1; do
        rm -f "$dir/rescue.sock"
        qmp_says "${row%:*}"
        echo "$row"
        expect monitor "${row#*:}"
    done
}

@test "with on_io_error=keep a disk error or a panic is degraded" {
    export OCF_RESKEY_on_io_error=keep
    for state in io-error guest-panicked internal-error; do
        rm -f "$dir/rescue.sock"
        qmp_says "$state"
        expect monitor 190
    done
}

@test "a process that a revert has loaded beside the old one is the machine, too" {
    process_of "$dir/revert-1"
    OCF_RESKEY_CRM_meta_interval=0 run "$ra" monitor
    [ "$status" -ne 7 ]
}

@test "a hundred monitors in a row during a freeze succeed" {
    process_of
    marker freeze 600000 "$(boottime_ms)"
    for _ in $(seq 100); do "$ra" monitor || return 1; done
}

# ---- start ----

@test "start asks the agent, and takes back the note of the last stop" {
    echo x >"$dir/stopped"
    agent_answers vm.start "$(living)"
    expect start 0
    pids="$pids $(cat "$dir/pid")"
    [ ! -e "$dir/stopped" ]
    grep -q '"command":"vm.start","arguments":{"vm":"web","placed":true}' "$base/asked"
}

@test "a start and a monitor note that pacemaker manages the machine, a probe does not, a stop takes the note away" {
    qmp_says running
    OCF_RESKEY_CRM_meta_interval=0 expect monitor 0
    [ ! -e "$dir/placed" ]
    OCF_RESOURCE_INSTANCE=shop-web expect monitor 0
    [ "$(cat "$dir/placed")" = shop-web ]
    rm "$dir/placed"
    OCF_RESKEY_CRM_meta_interval=0 expect start 0
    [ -e "$dir/placed" ]
    kill "$process"
    expect stop 0
    [ ! -e "$dir/placed" ]
}

@test "start of a machine that runs only takes back the note of a stop" {
    qmp_says running
    echo x >"$dir/stopped"
    expect start 0
    [ ! -e "$base/asked" ]
    [ ! -e "$dir/stopped" ]
}

@test "start of a machine that has moved, or waits for its memory, is no success" {
    for state in postmigrate inmigrate; do
        rm -f "$dir/rescue.sock"
        qmp_says "$state"
        expect start 1
        reason "moving, or has moved: QEMU says '$state'"
    done
    rm -f "$dir/rescue.sock"
    qmp_says paused # by a person
    expect start 0
}

@test "start waits for an agent that is still coming up, or busy" {
    agent_answers vm.start "if [ -e $base/second ]; then $(living); else : >$base/second; $(refusal busy); fi"
    expect start 0
    pids="$pids $(cat "$dir/pid")"
}

@test "start waits for the agent that comes after one that hung and was ended, however long that took" {
    agent_answers vm.start "if [ -e $base/second ]; then $(living); else : >$base/second; sleep 3; fi"
    sed 's/^AGENT_RETURN=20/AGENT_RETURN=2/' "$ra" >"$base/vm"
    chmod 755 "$base/vm"
    ra=$base/vm expect start 0
    pids="$pids $(cat "$dir/pid")"
}

@test "start without an agent fails within its time" {
    export OCF_RESKEY_CRM_meta_timeout=3000
    expect start 1
    reason "is holdfast.service running?"
}

@test "what the agent refuses: each code has its answer, with the agent's words" {
    for row in not_found:2 forbidden:4 refused:1 store_unreachable:1 failed:1 internal:1; do
        rm -f "$run_dir/agent.sock"
        agent_answers vm.start "$(refusal "${row%:*}")"
        expect start "${row#*:}"
        reason "web: it says no. so it is. do better"
    done
}

@test "a machine that ends right after its start is no success" {
    agent_answers vm.start "$result"
    expect start 1
    reason "ended at once"
}

# ---- stop ----

@test "stop of what does not run succeeds, twice" {
    expect stop 0
    expect stop 0
}

@test "real QEMU: a guest that does not shut down is ended within the time, without an agent" {
    qemu "$dir"
    export OCF_RESKEY_shutdown_timeout=1
    expect stop 0
    gone "$process"
    [ -e "$dir/stopped" ]
    expect monitor 7
}

@test "real QEMU: one that hangs is killed" {
    qemu "$dir"
    kill -STOP "$process"
    export OCF_RESKEY_CRM_meta_timeout=90000 # of which one that answers gets 55 s
    SECONDS=0
    expect stop 0
    [ "$SECONDS" -lt 40 ]
    gone "$process"
}

@test "real QEMU: one that a user has paused is not waited for" {
    qemu "$dir"
    ask stop
    export OCF_RESKEY_CRM_meta_timeout=120000 # of which a guest that runs gets 75 s
    SECONDS=0
    expect stop 0
    [ "$SECONDS" -lt 40 ]
    gone "$process"
}

@test "real QEMU: a revert in doubt: both processes are ended, the mark of the hold goes, the note stays" {
    qemu "$dir"
    ask stop
    first=$process
    qemu "$dir/revert-1" -S
    marker hold 0 0
    export OCF_RESKEY_shutdown_timeout=0
    expect stop 0
    gone "$first"
    gone "$process"
    [ ! -e "$dir/frozen" ]
    [ -e "$dir/stopped" ]
}

@test "stop asks the agent first: it takes the machine out of its round" {
    process_of
    agent_answers vm.console "$result" vm.stop "kill $process; $result"
    expect stop 0
    gone "$process"
    grep -q '"command":"vm.stop","arguments":{"vm":"web","timeout":"[0-9]*s","placed":true}' "$base/asked"
}

@test "an agent that says it has stopped it, and has not, is not believed" {
    process_of
    export OCF_RESKEY_shutdown_timeout=0
    agent_answers vm.console "$result" vm.stop "$result"
    expect stop 0
    gone "$process"
}

@test "the definition is gone: the agent does not know it, and it is stopped all the same" {
    qemu "$dir"
    export OCF_RESKEY_shutdown_timeout=0
    agent_answers vm.console "$(refusal not_found)"
    expect stop 0
    gone "$process"
    run grep -c vm.stop "$base/asked"
    [ "$output" = 0 ]
}

@test "an agent that hangs is ended before the machine is reported stopped" {
    process_of
    # Stands for the agent's process: its command line names the agent.
    tail -f /dev/null dev.holdfast.agent >/dev/null 2>&1 3>&- &
    hanging=$!
    pids="$pids $hanging"
    disown
    echo "$hanging" >"$run_dir/agent.pid"
    agent_answers vm.console "exec sleep 20"
    export OCF_RESKEY_shutdown_timeout=0
    expect stop 0
    gone "$process"
    gone "$hanging"
    grep -q "does not answer: ending it" "$base/log"
}

@test "without start.sh a start and a move say what is missing" {
    rm "$HOLDFAST_HOME/start.sh"
    expect start 5
    reason "start.sh is missing"
    export OCF_RESKEY_CRM_meta_migrate_target=n2
    expect migrate_to 5
    reason "start.sh is missing"
}

@test "real QEMU: without stop.sh a stop ends it, and a demote says what is missing" {
    qemu "$dir"
    rm "$HOLDFAST_HOME/stop.sh"
    OCF_RESKEY_CRM_meta_promoted_max=1 expect demote 5
    reason "stop.sh is missing"
    lives "$process"
    expect stop 0
    gone "$process"
}

@test "real QEMU: one that an ended agent was just starting does not come to life after the stop" {
    mkdir -p "$dir"
    # No pid file yet: its start is only under way.
    qemu-system-x86_64 -machine pc-q35-7.2,accel=tcg -m 64 -nodefaults -display none \
        -chardev "socket,id=r,path=$dir/rescue.sock,server=on,wait=off" -mon chardev=r,mode=control 3>&- >/dev/null 2>&1 &
    process=$!
    pids="$pids $process"
    disown
    until [ -S "$dir/rescue.sock" ]; do sleep 0.05; done
    OCF_RESKEY_shutdown_timeout=0 expect stop 0
    gone "$process"
    [ -e "$dir/stopped" ]
}

@test "nothing that a test has started outlives it" {
    agent_answers vm.console "echo \$\$ >$base/child; exec sleep 600"
    timeout 1 "$HOLDFAST_HOME/holdfast-ask" 1 "$run_dir/agent.sock" '{"id":1,"command":"vm.console"}' || true
    until [ -s "$base/child" ]; do sleep 0.02; done
    child=$(cat "$base/child")
    lives "$child"
    teardown
    until gone "$child"; do sleep 0.02; done
    [ -z "$(inheritors)" ]
}

@test "an agent that answers is left alone, whatever it answers" {
    tail -f /dev/null dev.holdfast.agent >/dev/null 2>&1 3>&- &
    alive=$!
    pids="$pids $alive"
    disown
    echo "$alive" >"$run_dir/agent.pid"
    agent_answers vm.console "$(refusal internal)"
    expect stop 0
    lives "$alive"
}

# ---- the other actions ----

@test "promote and demote say that the machine is not replicated, notify has nothing to do" {
    for action in promote demote; do
        expect "$action" 3
        reason "no promotable clone"
    done
    expect notify 0
}

# ---- live migration ----

moving() {
    export OCF_RESKEY_CRM_meta_migrate_target=n2 OCF_RESKEY_CRM_meta_migrate_source=n1
}

@test "migrate_to and migrate_from want the other node" {
    for action in migrate_to migrate_from; do
        expect "$action" 2
        reason "it names the other node"
    done
}

@test "migrate_to asks the agent for the move, with less than its own time-out" {
    moving
    for row in 600:580 60:40 30:20; do
        export OCF_RESKEY_CRM_meta_timeout=${row%:*}000
        rm -f "$base/asked" "$run_dir/agent.sock"
        agent_answers vm.migrate "$result"
        expect migrate_to 0
        grep -qF '"command":"vm.migrate","arguments":{"vm":"web","to":"n2","timeout":"'"${row#*:}s"'","placed":true}' "$base/asked"
    done
}

@test "migrate_to has the disks copied if the administrator wants that" {
    moving
    export OCF_RESKEY_copy_disks=true
    agent_answers vm.migrate "$result"
    expect migrate_to 0
    grep -q '"to":"n2","timeout":"[0-9]*s","placed":true,"copy_disks":true}' "$base/asked"
}

@test "migrate_to takes the last line: progress comes before it" {
    moving
    agent_answers vm.migrate "echo '{\"id\":1,\"progress\":{\"phase\":\"memory\",\"done\":1,\"total\":2}}'; $result"
    expect migrate_to 0
}

@test "a move that is refused, or of which nobody knows how it ended, is an error, and says why" {
    moving
    for code in refused busy failed unknown_outcome not_found; do
        rm -f "$run_dir/agent.sock"
        agent_answers vm.migrate "$(refusal "$code")"
        expect migrate_to 1
        reason "it says no. so it is. do better"
    done
}

@test "migrate_to without an agent is an error" {
    moving
    expect migrate_to 1
    reason "does not answer"
}

@test "migrate_from succeeds when the agent says that the machine runs here" {
    moving
    agent_answers vm.migrate_from "$result"
    expect migrate_from 0
    [ "$(cat "$dir/placed")" = web ]
}

@test "migrate_from fails when the agent says that it does not, whatever process is there" {
    moving
    qmp_says running
    agent_answers vm.migrate_from "$(refusal failed)"
    expect migrate_from 1
    reason "it says no"
}

@test "migrate_from without an agent asks QEMU, and not the process that waits for memory" {
    moving
    expect migrate_from 1
    reason "has not come over from n1"
    process_of "$dir/incoming"
    expect migrate_from 1
    qmp_says paused
    expect migrate_from 1
    rm -f "$dir/rescue.sock"
    qmp_says running
    expect migrate_from 0
}

@test "reload-agent succeeds with right parameters" {
    expect reload-agent 0
}

@test "validate-all at level 0 looks at nothing but the parameters" {
    rm -r "$run_dir"
    expect validate-all 0
}

@test "validate-all at level 10 asks the agent" {
    export OCF_CHECK_LEVEL=10
    expect validate-all 1
    reason "agent of this node does not answer"
    agent_answers vm.console "$result"
    expect validate-all 0
    rm "$run_dir/agent.sock"
    agent_answers vm.console "$(refusal not_found)"
    expect validate-all 2
    reason "it says no"
    [[ "$output" != *not_found* ]]
}

@test "validate-all at level 10 warns when fencing is off" {
    mkdir "$base/bin"
    printf '#!/bin/sh\necho false\n' >"$base/bin/crm_attribute"
    chmod +x "$base/bin/crm_attribute"
    mkdir -p "$base/ocf/lib"
    cp -r /usr/lib/ocf/lib/heartbeat "$base/ocf/lib/"
    echo "PATH=$base/bin:$PATH" >>"$base/ocf/lib/heartbeat/ocf-shellfuncs"
    export OCF_CHECK_LEVEL=10 OCF_ROOT=$base/ocf
    agent_answers vm.console "$result"
    expect validate-all 0
    grep -q "stonith-enabled is off" "$base/log"
}

@test "dash and busybox agree" {
    qmp_says paused
    for shell in "dash" "busybox sh"; do
        run $shell "$ra" monitor
        [ "$status" -eq 190 ]
        run $shell "$ra" meta-data
        [ "$status" -eq 0 ]
    done
}

@test "the manual page is made from the metadata" {
    "$ra" meta-data | xsltproc --nonet "$BATS_TEST_DIRNAME/../../deploy/install/ocf-man.xsl" - >"$base/vm.7"
    for heading in NAME SYNOPSIS DESCRIPTION "SUPPORTED PARAMETERS" "SUPPORTED ACTIONS" "EXAMPLE CRM SHELL" "EXAMPLE PCS"; do
        grep -qx ".SH $heading" "$base/vm.7"
    done
    for parameter in vm run_dir on_io_error shutdown_timeout; do
        grep -qx ".B $parameter" "$base/vm.7"
    done
    grep -q '(optional, changes without a restart, select: fail or keep, default "fail")' "$base/vm.7"
}

# ocf-tester lints by a DTD that is older than unique-group, reloadable and reload-agent; the schema is checked above.
@test "real QEMU: ocf-tester finds nothing wrong" {
    sed 's/^METADATA_LINT=.*/METADATA_LINT="xmllint --noout -"/' /usr/sbin/ocf-tester >"$base/ocf-tester"
    cat >"$base/qemu" <<END
rm -f $dir/*
qemu-system-x86_64 -machine pc-q35-7.2,accel=tcg -m 64 -nodefaults -display none -daemonize -pidfile $dir/pid \
    -chardev socket,id=r,path=$dir/rescue.sock,server=on,wait=off -mon chardev=r,mode=control >/dev/null 2>&1
END
    chmod 755 "$base"
    agent_answers vm.start "sh $base/qemu; $result" vm.console "$(refusal not_found)"
    run env -u OCF_RESKEY_CRM_meta_interval sh "$base/ocf-tester" -n web -o vm=web -o "run_dir=$run_dir" -o shutdown_timeout=0 "$(readlink -f "$ra")"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"passed all tests"* ]]
    [ ! -s "$dir/pid" ] || gone "$(cat "$dir/pid")"
}
