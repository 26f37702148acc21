#!/usr/bin/env bats
# The thaw script: with a stub in the place of socat, and with real QEMU.

setup() {
    thaw=$BATS_TEST_DIRNAME/../thaw
    run_dir=$(mktemp -d /tmp/thaw-XXXXXX)
    export HOLDFAST_RUN_DIR=$run_dir HOLDFAST_SOCAT=$run_dir/socat
    pids=
    cat >"$run_dir/socat" <<'EOF'
#!/bin/sh
# A QEMU in a file: <vm>/state holds its run state, <vm>/log what it was told.
for last; do :; done
vm=$(dirname "${last#UNIX-CONNECT:}")
echo '{"QMP": {"capabilities": []}}'
while IFS= read -r line; do
    printf '%s\n' "$line" >>"$vm/log"
    state=$(cat "$vm/state")
    case $line in
        *query-status*) echo "{\"return\": {\"status\": \"$state\", \"running\": false}}" ;;
        *query-migrate-capabilities*) cat "$vm/capabilities" ;;
        *'"cont"'*) case $state in paused | postmigrate) echo running >"$vm/state" ;; esac ;;
        *migrate_cancel*) echo running >"$vm/state" ;;
    esac
done
EOF
    chmod +x "$run_dir/socat"
}

teardown() {
    for pid in $pids; do
        kill -9 "$pid" 2>/dev/null || true
    done
    rm -rf "$run_dir"
}

# machine NAME STATE KIND DEADLINE_MS WAS_PAUSED
machine() {
    mkdir -p "$run_dir/vms/$1"
    echo "$2" >"$run_dir/vms/$1/state"
    echo $$ >"$run_dir/vms/$1/pid"
    echo '{"return": [{"state": false, "capability": "background-snapshot"}]}' >"$run_dir/vms/$1/capabilities"
    printf 'token=t\ndeadline_ms=%s\nsince_boottime_ms=1000\nkind=%s\nwas_paused=%s\n' "$4" "$3" "$5" >"$run_dir/vms/$1/frozen"
}

state() {
    cat "$run_dir/vms/$1/state"
}

@test "thaws every machine with a marker and removes the marker" {
    machine web paused freeze 5000 0
    machine db postmigrate freeze 5000 0
    run "$thaw"
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ] && [ "$(state db)" = running ]
    [ ! -e "$run_dir/vms/web/frozen" ] && [ ! -e "$run_dir/vms/db/frozen" ]
}

@test "does not touch a machine without a marker" {
    machine web paused freeze 5000 0
    rm "$run_dir/vms/web/frozen"
    run "$thaw" --all
    [ "$status" -eq 0 ]
    [ "$(state web)" = paused ]
    [ ! -e "$run_dir/vms/web/log" ]
}

@test "cancels a migration in its switch-over" {
    machine web finish-migrate freeze 5000 0
    run "$thaw" web
    [ "$status" -eq 0 ]
    grep -q migrate_cancel "$run_dir/vms/web/log"
}

@test "never cancels a background snapshot" {
    machine web finish-migrate freeze 5000 0
    echo '{"return": [{"state": true, "capability": "background-snapshot"}]}' >"$run_dir/vms/web/capabilities"
    run "$thaw" web
    [ "$status" -eq 1 ]
    [[ "$output" == *"still in state finish-migrate"* ]]
    run grep -q migrate_cancel "$run_dir/vms/web/log"
    [ "$status" -eq 1 ]
}

@test "with --expired only those past their deadline" {
    echo "10.50 0.00" >"$run_dir/uptime"
    export HOLDFAST_UPTIME=$run_dir/uptime
    machine web paused freeze 5000 0
    machine db paused freeze 60000 0
    run "$thaw" --expired
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ]
    [ "$(state db)" = paused ]
    [ -e "$run_dir/vms/db/frozen" ]
}

@test "a torn marker counts as expired" {
    machine web paused freeze 5000 0
    echo 'token=t' >"$run_dir/vms/web/frozen"
    run "$thaw" --expired
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ]
}

@test "a hold is left alone unless asked for" {
    machine web paused hold 0 0
    run "$thaw"
    [ "$status" -eq 0 ]
    [[ "$output" == *"held without a deadline"* ]]
    [ "$(state web)" = paused ]
    run "$thaw" --holds web
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ]
}

@test "what the guard holds for its standby is left alone unless asked for, frozen or not" {
    machine web paused freeze 5000 0
    printf 'token=g1\nsince_boottime_ms=1000\npid=%s\npid_start=1\n' $$ >"$run_dir/vms/web/held"
    cp "$run_dir/vms/web/held" "$run_dir/vms/web/hold"
    run "$thaw"
    [ "$status" -eq 0 ]
    [[ "$output" == *"held until its standby answers"* ]]
    run "$thaw" --expired web
    [ "$(state web)" = paused ]
    rm "$run_dir/vms/web/frozen"
    run "$thaw" --holds web
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ]
    [ ! -e "$run_dir/vms/web/held" ] && [ ! -e "$run_dir/vms/web/hold" ]
}

@test "a hold of a process that is gone does not count" {
    machine web paused freeze 5000 0
    printf 'token=g1\nsince_boottime_ms=1000\npid=999999999\npid_start=1\n' >"$run_dir/vms/web/held"
    run "$thaw"
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ]
}

@test "a machine its user had paused stays paused" {
    machine web paused freeze 5000 1
    run "$thaw"
    [ "$status" -eq 0 ]
    [ "$(state web)" = paused ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "says what stands in the way" {
    machine web io-error freeze 5000 0
    run "$thaw"
    [ "$status" -eq 1 ]
    [[ "$output" == *"io-error"* ]]
    [ -e "$run_dir/vms/web/frozen" ]
}

@test "one that does not answer keeps no other frozen" {
    machine web paused freeze 5000 0
    machine db paused freeze 5000 0
    rm "$run_dir/vms/db/state"
    run "$thaw"
    [ "$status" -eq 1 ]
    [[ "$output" == *"db: QEMU does not answer"* ]]
    [ "$(state web)" = running ]
}

@test "removes the marker of a process that has ended" {
    machine web paused freeze 5000 0
    sh -c 'echo $$' >"$run_dir/vms/web/pid"
    run "$thaw"
    [ "$status" -eq 0 ]
    [[ "$output" == *"has ended"* ]]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

# domain NAME STATE: one of libvirt, and a virsh that knows it.
domain() {
    machine "$1" "$2" freeze 5000 0
    rm "$run_dir/vms/$1/pid"
    echo 12345678-1234-1234-1234-123456789012 >"$run_dir/vms/$1/domain"
    export HOLDFAST_VIRSH=$run_dir/virsh
    cat >"$run_dir/virsh" <<EOF
#!/bin/sh
case "\$*" in
    '-c qemu:///system domstate --reason 12345678-1234-1234-1234-123456789012') cat "$run_dir/vms/$1/state" ;;
    '-c qemu:///system resume 12345678-1234-1234-1234-123456789012') echo 'running (unpaused)' >"$run_dir/vms/$1/state" ;;
    '-c qemu:///system list --all --uuid') cat "$run_dir/listed" ;;
    *) exit 1 ;;
esac
EOF
    chmod +x "$run_dir/virsh"
}

@test "lets a domain of libvirt run, over virsh" {
    domain web "paused (user)"
    run "$thaw"
    [ "$status" -eq 0 ]
    [ "$(state web)" = "running (unpaused)" ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "a domain of libvirt is let run without socat" {
    domain web "paused (user)"
    machine db paused freeze 5000 0
    HOLDFAST_SOCAT=$run_dir/none run "$thaw"
    [ "$status" -eq 1 ]
    [ "$(state web)" = "running (unpaused)" ]
    [[ $output == *"db: cannot be let run: socat is not installed"* ]]
}

# just_frozen NAME SECONDS: a freeze that began just now, and orders that libvirt obeys as late as that.
just_frozen() {
    read -r up _ </proc/uptime
    printf 'token=t\ndeadline_ms=5000\nsince_boottime_ms=%s\nkind=freeze\nwas_paused=0\n' "$((${up%.*} * 1000))" >"$run_dir/vms/$1/frozen"
    export HOLDFAST_LONGEST_ORDER=$2 HOLDFAST_THAW_PATIENCE=0.1
}

@test "an order to suspend that libvirt obeys late is undone" {
    domain web "running (unpaused)"
    just_frozen web 60
    "$thaw" >"$run_dir/said" 2>&1 &
    pids="$pids $!"
    until grep -q "may yet obey an order" "$run_dir/said"; do sleep 0.05; done
    [ -e "$run_dir/vms/web/frozen" ]
    echo "paused (user)" >"$run_dir/vms/web/state"
    wait "$!"
    [ "$(state web)" = "running (unpaused)" ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "who cannot wait for what a domain may yet obey leaves it marked for the next" {
    domain web "running (unpaused)"
    just_frozen web 60
    run timeout 20 "$thaw" --soon --all
    [ "$status" -eq 1 ]
    [[ $output == *"its freeze marker stays for the agent that starts next"* ]]
    [ -e "$run_dir/vms/web/frozen" ]
    echo "paused (user)" >"$run_dir/vms/web/state"
    run timeout 20 "$thaw" --soon --all
    [ "$status" -eq 0 ]
    [ "$(state web)" = "running (unpaused)" ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "a domain that runs is not waited for longer than an order may take, nor when the guard has ended the freeze" {
    domain web "running (unpaused)"
    just_frozen web 1
    run timeout 20 "$thaw"
    [ "$status" -eq 0 ]
    [ ! -e "$run_dir/vms/web/frozen" ]
    just_frozen web 60
    "$thaw" >"$run_dir/said" 2>&1 &
    pids="$pids $!"
    until grep -q "may yet obey an order" "$run_dir/said"; do sleep 0.05; done
    rm "$run_dir/vms/web/frozen"
    wait "$!"
}

@test "a domain that stands still for another reason is left so, and named" {
    domain web "paused (I/O error)"
    run "$thaw"
    [ "$status" -eq 1 ]
    [[ $output == *"web: not proven to run, virsh says: paused (I/O error)"* ]]
    [ -e "$run_dir/vms/web/frozen" ]
}

@test "the marker of a domain that has ended is removed" {
    domain web "shut off (destroyed)"
    run "$thaw"
    [ "$status" -eq 0 ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "a domain that virsh does not get has ended if libvirt lists none such, and not if it does, or does not answer" {
    domain web "error: failed to get domain '12345678-1234-1234-1234-123456789012'"
    run "$thaw"
    [ "$status" -eq 1 ]
    [ -e "$run_dir/vms/web/frozen" ]
    echo 12345678-1234-1234-1234-123456789012 >"$run_dir/listed"
    run "$thaw"
    [ "$status" -eq 1 ]
    [ -e "$run_dir/vms/web/frozen" ]
    echo 6695eb01-f6a4-8304-79aa-97f2502e193f >"$run_dir/listed"
    run "$thaw"
    [ "$status" -eq 0 ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "what a machine was before says nothing: a domain with the pid of a QEMU that is gone, a QEMU with the name of a domain" {
    domain web "paused (user)"
    sh -c 'echo $$' >"$run_dir/vms/web/pid"
    run "$thaw"
    [ "$status" -eq 0 ]
    [ "$(state web)" = "running (unpaused)" ]
    rm -r "$run_dir/vms/web"
    machine web paused freeze 5000 0
    echo 12345678-1234-1234-1234-123456789012 >"$run_dir/vms/web/domain"
    run "$thaw"
    [ "$status" -eq 0 ]
    [ "$(state web)" = running ]
    [ ! -e "$run_dir/vms/web/frozen" ]
}

@test "wrong use is exit code 2" {
    for arguments in "--what" "--run-dir" "--all web" "../etc" "a/b"; do
        # shellcheck disable=SC2086 # words on purpose
        run "$thaw" $arguments
        [ "$status" -eq 2 ]
    done
    run "$thaw" nobody
    [ "$status" -eq 1 ]
}

@test "names socat when it is missing" {
    machine web paused freeze 5000 0
    HOLDFAST_SOCAT=$run_dir/none run "$thaw"
    [ "$status" -eq 1 ]
    [[ "$output" == *"apt-get install socat"* ]]
}

@test "thaws a real QEMU in less than a second" {
    export HOLDFAST_SOCAT=socat
    vm=$run_dir/vms/web
    mkdir -p "$vm"
    qemu-system-x86_64 -machine pc-q35-7.2,accel=tcg -m 64 -nodefaults -display none -daemonize -pidfile "$vm/pid" \
        -chardev "socket,id=rescue,path=$vm/rescue.sock,server=on,wait=off" -mon chardev=rescue,mode=control
    pids=$(cat "$vm/pid")
    printf '{"execute":"qmp_capabilities"}\n{"execute":"stop"}\n' | socat -t 60 - "UNIX-CONNECT:$vm/rescue.sock"
    printf 'token=t\ndeadline_ms=1\nsince_boottime_ms=1\nkind=freeze\nwas_paused=0\n' >"$vm/frozen"
    run timeout 5 "$thaw" --expired
    [ "$status" -eq 0 ]
    [[ "$output" == *"web: runs"* ]]
    printf '{"execute":"qmp_capabilities"}\n{"execute":"query-status"}\n' | socat -t 60 - "UNIX-CONNECT:$vm/rescue.sock" | grep -q '"running"'
}
