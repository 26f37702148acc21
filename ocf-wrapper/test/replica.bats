#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a shell of its own, on purpose; words of ra.bash
# The resource agent of a replicated machine, a promotable clone: with an agent made of socat and a crm_attribute that takes notes.

load ra

setup() {
    ra_setup
    export OCF_RESKEY_CRM_meta_promoted_max=1 OCF_RESKEY_CRM_meta_notify=true OCF_RESKEY_CRM_meta_clone=1
    # The shared functions set PATH, so the stub of pacemaker's tool goes behind that.
    mkdir -p "$base/bin" "$base/ocf/lib"
    cp -r /usr/lib/ocf/lib/heartbeat "$base/ocf/lib/"
    echo "PATH=$base/bin:\$PATH" >>"$base/ocf/lib/heartbeat/ocf-shellfuncs"
    export OCF_ROOT=$base/ocf
    cat >"$base/bin/crm_attribute" <<END
#!/bin/sh
case \$* in
    *stonith-enabled*) cat $base/fencing 2>/dev/null || echo true ;;
    *) echo "\$*" >>$base/scores ;;
esac
END
    chmod +x "$base/bin/crm_attribute"
}

# told SCORE...: what crm_attribute was told of the promotion score, in order.
told() {
    diff <(sed -n 's/^--promotion=web --update \(.*\) --quiet$/\1/p; s/^--promotion=web --delete.*/gone/p' "$base/scores" 2>/dev/null) \
        <([ $# -eq 0 ] || printf '%s\n' "$@")
}

# begun [SCORE]: this instance is started.
begun() {
    echo web >"$dir/replica"
    [ $# -eq 0 ] || echo "$1" >"$dir/promotion-score"
}

# refuses REASON: as the agent refuses to promote, with the reason's name and sentence.
refuses() {
    echo "echo '{\"id\":1,\"error\":{\"code\":\"refused\",\"message\":\"web: $1\",\"cause\":\"so it is\",\"correction\":\"do better\",\"exit\":3}}'"
}

asked() { sed -n 's/.*"command":"\([a-z_.]*\)".*/\1/p' "$base/asked" 2>/dev/null | paste -s -d ' '; }

# ---- monitor ----

@test "monitor: 7 where it is not started, 0 where it is, 8 where the machine runs" {
    expect monitor 7
    begun
    expect monitor 0
    qmp_says running
    expect monitor 8
    rm "$dir/replica" # pacemaker says that it is a promotable clone
    expect monitor 8
    probe
    expect monitor 8
}

@test "monitor: the process of a standby is no machine" {
    process_of "$dir/standby"
    expect monitor 7
    begun
    expect monitor 0
    qemu "$dir/standby" -S
    rm "$dir/standby/pid"
    expect monitor 0
}

@test "monitor: a machine that was promoted and runs no more has failed as promoted" {
    begun
    echo web >"$dir/promoted"
    expect monitor 9
    reason "its process has ended"
    qmp_says io-error
    expect monitor 9
    reason "io-error"
}

@test "monitor: the end of an epoch is not noticed, a guest that stands still longer is degraded" {
    begun
    process_of
    : >"$base/paused"
    cat >"$base/qmp" <<END
while read -r line; do
    case \$line in *query-status*)
        if [ -e $base/paused ]; then echo '{"return": {"status": "postmigrate"}}'; rm $base/paused
        else echo '{"return": {"status": "running"}}'; fi ;;
    esac
done
END
    listen "$dir/rescue.sock" "$base/qmp"
    expect monitor 8
    [ ! -e "$base/paused" ]
    rm "$dir/rescue.sock"
    qmp_says paused
    expect monitor 191
    grep -q "the standby or the store does not answer" "$base/log"
}

@test "monitor: of a standby and of a primary it does without the shared functions, and the first runs no program at all" {
    begun 100
    echo 100 >"$dir/promotion-told"
    for action in monitor notify; do
        run env PATH="$base/none" OCF_FUNCTIONS_DIR="$base/none" /bin/sh "$ra" "$action"
        [ "$status" -eq 0 ]
    done
    qmp_says running
    OCF_FUNCTIONS_DIR=$base/none expect monitor 8
}

@test "without an agent a monitor of either role succeeds" {
    begun
    qmp_says running
    [ ! -e "$run_dir/agent.sock" ]
    expect monitor 8
}

# ---- promotion score ----

@test "the score is told by monitor and notify when it has changed, and by a probe in any case" {
    expect monitor 7
    echo 7 >"$dir/promotion-score"
    expect monitor 7 # of an instance that is not started nothing is told
    told
    begun 100
    expect monitor 0
    expect monitor 0
    expect notify 0
    told 100
    echo 200 >"$dir/promotion-score"
    expect notify 0
    expect monitor 0
    told 100 200
    probe
    expect monitor 0
    told 100 200 200
    echo x >"$dir/promotion-score"
    expect monitor 0
    told 100 200 200
    export OCF_RESKEY_CRM_meta_interval=10000
    echo 300 >"$dir/promotion-score"
    expect monitor 0
    rm "$dir/promotion-score"
    expect monitor 0
    expect monitor 0
    told 100 200 200 300 gone
}

@test "a pacemaker that does not take the score is told by the next monitor" {
    begun 100
    printf '#!/bin/sh\nexit 1\n' >"$base/bin/crm_attribute"
    expect monitor 0
    [ ! -e "$dir/promotion-told" ]
}

# ---- start ----

@test "start marks the instance with the resource's name, asks the agent, and tells the score" {
    echo x >"$dir/stopped"
    echo x >"$dir/promoted"
    echo 5 >"$dir/promotion-told"
    agent_answers replica.start "echo 5 >$dir/promotion-score; $result"
    expect start 0
    [ "$(cat "$dir/replica")" = web ]
    [ ! -e "$dir/stopped" ]
    [ "$(asked)" = replica.start ]
    told 5
    expect monitor 0
    expect start 0
}

@test "start waits for an agent that is busy, and fails with its words if it refuses" {
    agent_answers replica.start "if [ -e $base/second ]; then $result; else : >$base/second; $(refusal busy); fi"
    expect start 0
    for row in not_found:2 forbidden:4 refused:1 failed:1; do
        rm -f "$run_dir/agent.sock"
        agent_answers replica.start "$(refusal "${row%:*}")"
        expect start "${row#*:}"
        reason "it says no. so it is. do better"
        [ ! -e "$dir/replica" ]
    done
}

@test "start of a machine that runs only takes it as started" {
    qmp_says running
    expect start 0
    [ ! -e "$base/asked" ]
    expect monitor 8
}

@test "a clone that cannot tell a handover from a shutdown, or could run twice, is refused" {
    for wrong in notify=false notify= promoted_max=2 master_max=2 clone_node_max=2 globally_unique=true; do
        for action in start promote validate-all; do
            run env "OCF_RESKEY_CRM_meta_$wrong" "$ra" "$action"
            echo "$wrong $action: $status $output"
            [ "$status" -eq 6 ]
            reason "web: "
        done
    done
    expect validate-all 0
    [ ! -e "$dir/replica" ]
}

# ---- promote ----

@test "promote asks the agent, with less than its own time-out, and notes it" {
    begun 100
    export OCF_RESKEY_CRM_meta_timeout=60000
    agent_answers replica.promote "$(living)"
    expect promote 0
    pids="$pids $(cat "$dir/pid")"
    grep -qE '"command":"replica.promote","arguments":\{"vm":"web","timeout":"(50|4[0-9])s"\}' "$base/asked" # of its 50 s some are gone
    kill -9 "$(cat "$dir/pid")"
    until gone "$(cat "$dir/pid")"; do sleep 0.05; done
    expect monitor 9
}

@test "promote: what does not pass by itself is refused at once in the reason's words, and the score goes below zero" {
    export OCF_RESKEY_CRM_meta_timeout=60000 # what may pass is waited for 50 s of it
    for why in NO_RECORD NO_COPY STORE_OLDER OUT_OF_SYNC COPY_REPLACED STRAYED UNFINISHED TOO_OLD NO_FENCING; do
        rm -f "$run_dir/agent.sock" "$base/scores" "$dir/promotion-told"
        begun 100
        agent_answers replica.promote "$(refuses "$why")"
        SECONDS=0
        expect promote 1
        [ "$SECONDS" -lt 30 ]
        reason "not promoted: web: $why. so it is. do better"
        told -1
        [ "$(cat "$dir/promotion-told")" = refused ] # so that the agent does not tell it
        [ ! -e "$dir/promoted" ]
        expect monitor 0 # and tells what the agent thinks of it now
        told -1 100
    done
}

@test "promote: what may pass by itself is waited for" {
    begun 100
    for answer in "$(refuses STORE_SILENT)" "$(refuses NOT_PROVEN_GONE)" "$(refuses "BUSY (node n1)")" "$(refusal busy)" \
        "$(refusal overloaded)" "$(refusal store_unreachable)"; do
        rm -f "$run_dir/agent.sock" "$base/second"
        agent_answers replica.promote "if [ -e $base/second ]; then $(living); else : >$base/second; $answer; fi"
        expect promote 0
        pids="$pids $(cat "$dir/pid")"
        kill -9 "$(cat "$dir/pid")"
        rm "$dir/promoted" "$dir/pid"
    done
}

@test "promote: what does not pass in time, and an agent that is not there, fail in time" {
    begun 100
    export OCF_RESKEY_CRM_meta_timeout=3000
    SECONDS=0
    expect promote 1
    reason "is holdfast.service running?"
    agent_answers replica.promote "$(refuses STORE_SILENT)"
    expect promote 1
    reason STORE_SILENT
    [ "$SECONDS" -lt 18 ]
    told -1 -1
}

@test "promote: a time that is up while the agent asks once more hides no reason that it gave before" {
    begun 100
    agent_answers replica.promote "if [ -e $base/second ]; then $(refusal unknown_outcome); else : >$base/second; $(refuses STORE_SILENT); fi"
    expect promote 1
    reason STORE_SILENT
    told -1
}

@test "promote: a machine that ends at once is no success" {
    begun
    agent_answers replica.promote "$result"
    expect promote 1
    reason "ended at once"
}

# ---- demote ----

@test "demote asks the agent, which hands over" {
    begun 100
    process_of
    echo web >"$dir/promoted"
    agent_answers vm.console "$result" replica.demote "kill $process; $result"
    expect demote 0
    [ "$(asked)" = "vm.console replica.demote" ]
    echo 100 >"$dir/promotion-told"
    OCF_FUNCTIONS_DIR=$base/none expect monitor 0
    expect demote 0
}

@test "demote as the first half of a stop, with nobody to go on: the guest is shut down" {
    begun
    export OCF_RESKEY_CRM_meta_notify_stop_resource="web:0 web:1 web:2"
    # The second: pacemaker restarts the whole clone, and promotes another one then (crm_simulate of 2.1.5).
    for promoted in " " "web:1"; do
        rm -f "$run_dir/agent.sock" "$base/asked"
        process_of
        export OCF_RESKEY_CRM_meta_notify_promote_resource="$promoted"
        agent_answers vm.console "$result" replica.stop "kill $process; $result"
        expect demote 0
        [ "$(asked)" = "vm.console replica.stop" ]
    done
    # Another node goes on, or this instance is not stopped: a handover.
    for row in "web:1 web:2" "web:0 " "web:11 " " "; do
        rm -f "$run_dir/agent.sock" "$base/asked"
        process_of
        export OCF_RESKEY_CRM_meta_notify_stop_resource="${row% *}" OCF_RESKEY_CRM_meta_notify_promote_resource="${row#* }"
        agent_answers vm.console "$result" replica.demote "kill $process; $result"
        expect demote 0
        [ "$(asked)" = "vm.console replica.demote" ]
    done
}

@test "real QEMU: demote ends the machine without an agent, and leaves a standby alone" {
    begun
    qemu "$dir/standby" -S
    standby=$process
    qemu "$dir"
    echo web >"$dir/promoted"
    expect demote 0
    gone "$process"
    ask query-status "$dir/standby" | grep -q prelaunch
    expect monitor 0
}

# failed_over: the machine is a QEMU that began as the standby. Its command line says so for ever.
failed_over() {
    qemu "$dir/standby" -S
    mv "$dir/standby/rescue.sock" "$dir/standby/pid" "$dir"
    rmdir "$dir/standby"
}

@test "real QEMU: demote without an agent ends a machine that came by a failover, also one without a pid file" {
    begun
    failed_over
    expect monitor 191
    echo web >"$dir/promoted"
    expect demote 0
    gone "$process"
    expect monitor 0
    failed_over
    rm "$dir/pid"
    expect monitor 191
    expect demote 0
    gone "$process"
    expect monitor 0
}

# powers_off: the guest of a real QEMU does what a guest does to switch its power off: PM1a_CNT gets SLP_EN.
powers_off() {
    until ask query-status | grep -q '"shutdown"'; do
        echo 'o /w 0x604 0x2000' | socat -t 1 - "UNIX-CONNECT:$base/hmp" >/dev/null
        sleep 0.2
    done
}

@test "real QEMU: a guest that has shut down has failed as promoted, and the agent's next life is told" {
    begun
    qemu "$dir" -no-shutdown -monitor "unix:$base/hmp,server=on,wait=off"
    echo web >"$dir/promoted"
    powers_off
    expect monitor 9
    reason shutdown
    expect demote 0
    gone "$process"
    [ -e "$dir/shut-down" ]
    echo web >"$dir/promoted"
    expect monitor 9
    reason "the guest has shut down"
}

@test "real QEMU: without an agent a guest that shuts down when it is asked is not waited for longer" {
    begun
    qemu "$dir" -no-shutdown -monitor "unix:$base/hmp,server=on,wait=off"
    echo web >"$dir/promoted"
    export OCF_RESKEY_CRM_meta_notify_stop_resource="web:0 web:1" OCF_RESKEY_CRM_meta_timeout=120000
    {
        until [ -e "$dir/shut-down" ]; do sleep 0.2; done # it is asked
        while [ -e "$dir/pid" ]; do
            echo 'o /w 0x604 0x2000' | socat -t 1 - "UNIX-CONNECT:$base/hmp"
            sleep 0.2
        done
    } >/dev/null 2>&1 3>&- &
    SECONDS=0
    expect demote 0
    gone "$process"
    [ "$SECONDS" -lt 40 ]
}

@test "demote of an agent that says it has done it, and has not, ends the machine" {
    begun
    process_of
    agent_answers vm.console "$result" replica.demote "$(refusal failed)"
    expect demote 0
    gone "$process"
}

@test "demote: an agent that is busy is asked again, or it might go on with a promotion that came before" {
    begun
    agent_answers vm.console "$result" \
        replica.demote "if [ -e $base/again ]; then $result; else : >$base/again; $(refuses 'BUSY (node n1)'); fi"
    expect demote 0
    [ "$(asked)" = "vm.console replica.demote replica.demote" ]
}

# ---- stop ----

@test "stop has the agent end its part, and leaves nothing" {
    begun 100
    process_of "$dir/standby"
    agent_answers vm.console "$result" replica.stop "kill $process; $result"
    expect stop 0
    [ "$(asked)" = "vm.console replica.stop" ]
    [ ! -e "$dir/replica" ]
    told gone
    expect monitor 7
    expect stop 0
}

@test "real QEMU: stop without an agent ends machine and standby" {
    begun
    qemu "$dir/standby" -S
    standby=$process
    qemu "$dir"
    echo web >"$dir/promoted"
    OCF_RESKEY_shutdown_timeout=0 expect stop 0
    gone "$process"
    gone "$standby"
    expect monitor 7
}

# ---- the rest ----

@test "validate-all at level 10: without fencing it is refused, with continue it says what is given up" {
    export OCF_CHECK_LEVEL=10
    agent_answers vm.console "$result" replica.show "echo '{\"id\":1,\"result\":{\"vm\":\"web\",\"on_isolation\":\"continue\"}}'"
    expect validate-all 0
    grep -q "what the guest did since is lost" "$base/log"
    echo false >"$base/fencing"
    expect validate-all 1
    reason "no standby is ever promoted"
    rm "$base/fencing"
    unset OCF_RESKEY_CRM_meta_promoted_max
    expect validate-all 6
    reason "make it a promotable clone"
}

@test "validate-all at level 10 of a clone of a machine that is not replicated, and of one without its package" {
    export OCF_CHECK_LEVEL=10
    agent_answers vm.console "$result" replica.show "$(refusal refused)"
    expect validate-all 1
    reason "it says no"
    rm "$HOLDFAST_HOME/replica.sh"
    for action in start promote demote; do
        expect "$action" 5
        reason "replica.sh is missing"
    done
    expect stop 0
}

@test "dash and busybox agree" {
    begun
    for shell in "dash" "busybox sh"; do
        run $shell "$ra" monitor
        [ "$status" -eq 0 ]
        run $shell "$ra" demote
        [ "$status" -eq 0 ]
    done
}
