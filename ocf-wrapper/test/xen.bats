#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # each test is a shell of its own, on purpose; words of ra.bash
# The resource agent and the thaw script with domains of Xen: a script stands in for xl. With the real one: deploy/xen/dom0-check.

load ra

uuid=8c6a2d1e-5b0f-3a77-9d0c-0123456789ab

setup() {
    ra_setup
    export HOLDFAST_XL=$base/xl
    cat >"$HOLDFAST_XL" <<END
#!/bin/sh
# xl 4.17 with one domain, if there is the file "domain": what it does, and why its guest has ended. "pauses" has a line for each.
cd $base || exit 1
echo "\$*" >>calls
[ ! -e broken ] || { echo "xl: cannot connect to xenstore" >&2; exit 1; }
case "\$1 \$2" in
    "list -v")
        echo "Name                                        ID   Mem VCPUs	State	Time(s)   UUID                            Reason-Code	Security Label"
        echo "Domain-0                                     0  1024     2     r-----      58.7 00000000-0000-0000-0000-000000000000        -                -"
        echo "web of others                                4   128     1     -b----       6.5 db806120-6058-41f4-93d8-6b922e4deb34        -                -"
        [ ! -e domain ] || {
            read -r flags ended <domain
            [ ! -s pauses ] || flags=--p---
            echo "web                                          7   128     1     \$flags       6.5 $uuid        \$ended                -"
        }
        ;;
    "unpause 7") [ -s pauses ] && sed -i 1d pauses || echo "libxl: error: Unpausing domain: Invalid argument" >&2 ;;
    "shutdown 7") [ ! -e obedient ] || echo "---s-- 0" >domain ;;
    "destroy 7") rm -f domain pauses ;;
esac
exit 0
END
    chmod +x "$HOLDFAST_XL"
}

# a_domain [FLAGS [ENDED]]: it is there, and its configuration is.
a_domain() {
    echo "${1:--b----} ${2:--}" >"$base/domain"
    printf 'name = "web"\nuuid = "%s"\n' $uuid >"$dir/domain.cfg"
}

pauses() { for _ in $(seq "$1"); do echo one >>"$base/pauses"; done; }
was_told() { grep -q -x -e "$1" "$base/calls"; }

@test "a domain that runs is a success, one that is gone is not running" {
    a_domain
    expect monitor 0
    rm "$base/domain"
    expect monitor 7
    probe
    expect monitor 7
}

@test "a domain whose guest has ended has its disks open: a failure, so that a stop ends it" {
    for ended in "0 shut down" "1 rebooted" "3 crashed"; do
        a_domain ---s-- "${ended%% *}"
        expect monitor 1
        reason "${ended#* }"
        expect stop 0
        was_told "destroy 7"
        expect monitor 7
        rm "$base/calls"
    done
}

@test "a domain that somebody has paused is degraded; a frozen one is well until its deadline, and let run then" {
    a_domain
    pauses 2
    expect monitor 190
    marker freeze 5000 "$(boottime_ms)"
    expect monitor 0
    marker hold 0 0
    expect monitor 0
    [ "$(wc -l <"$base/pauses")" -eq 2 ]
    marker freeze 1 1
    expect monitor 0
    [ ! -s "$base/pauses" ]
    [ ! -e "$dir/frozen" ]
}

@test "what xl does not tell is a failure, and not that it does not run" {
    a_domain
    touch "$base/broken"
    expect monitor 1
    reason "xenstored"
    OCF_RESKEY_CRM_meta_timeout=3000 expect stop 1
    [ -e "$dir/domain.cfg" ]
}

@test "a torn configuration is a failure, and not that it does not run" {
    a_domain
    : >"$dir/domain.cfg"
    expect monitor 1
}

@test "a stop asks the guest first" {
    a_domain
    touch "$base/obedient"
    expect stop 0
    was_told "shutdown 7" && was_told "destroy 7"
    [ ! -e "$base/domain" ] && [ ! -e "$dir/domain.cfg" ]
    expect stop 0
}

@test "a guest that does not obey, and one that is paused, are ended" {
    a_domain
    OCF_RESKEY_shutdown_timeout=1 expect stop 0
    [ ! -e "$base/domain" ]
    a_domain
    pauses 1
    rm "$base/calls"
    expect stop 0
    run was_told "shutdown 7"
    [ "$status" -ne 0 ]
    [ ! -e "$base/domain" ]
}

@test "one that a revert has built beside it ends too" {
    a_domain
    mv "$dir/domain.cfg" "$dir/domain-r1.cfg"
    expect monitor 0
    expect stop 0
    [ ! -e "$base/domain" ] && [ ! -e "$dir/domain-r1.cfg" ]
}

@test "a start of what runs asks no agent, one of what is gone does" {
    a_domain
    expect start 0
    rm "$base/domain"
    agent_answers vm.start "echo -b---- - >$base/domain; $result"
    expect start 0
    grep -q vm.start "$base/asked"
    expect monitor 0
}

@test "a start leaves a domain whose guest has ended to the agent" {
    for ended in "---s-- 1" "----c- 3"; do
        # shellcheck disable=SC2086  # words
        a_domain $ended
        agent_answers vm.start "echo -b---- - >$base/domain; $result"
        expect start 0
        expect monitor 0
        rm "$run_dir/agent.sock"
    done
}

@test "the thaw script: each pause is undone, one that a user wants stays" {
    a_domain
    pauses 3
    marker freeze 5000 1
    run "$BATS_TEST_DIRNAME/../thaw" --run-dir "$run_dir"
    [ "$status" -eq 0 ]
    [ ! -s "$base/pauses" ] && [ ! -e "$dir/frozen" ]
    pauses 1
    marker freeze 5000 1
    sed -i s/was_paused=0/was_paused=1/ "$dir/frozen"
    run "$BATS_TEST_DIRNAME/../thaw" --run-dir "$run_dir"
    [ "$status" -eq 0 ]
    [ -s "$base/pauses" ] && [ ! -e "$dir/frozen" ]
}

@test "the thaw script: a domain that is gone needs nothing, one whose xl fails is said" {
    a_domain
    rm "$base/domain"
    marker freeze 5000 1
    run "$BATS_TEST_DIRNAME/../thaw" --run-dir "$run_dir"
    [ "$status" -eq 0 ] && [ ! -e "$dir/frozen" ]
    a_domain
    touch "$base/broken"
    marker freeze 5000 1
    HOLDFAST_THAW_PATIENCE=0.1 run "$BATS_TEST_DIRNAME/../thaw" --run-dir "$run_dir"
    [ "$status" -eq 1 ] && [ -e "$dir/frozen" ]
    [[ "$output" == *xenstored* ]]
}
