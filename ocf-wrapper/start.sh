# shellcheck shell=sh disable=SC2154  # a part of "vm", which sets what is used here
#
# How a machine begins to run on a node: the agent starts it, also that of a replicated one (replica.sh), or it comes from another
# node while it runs, and how it goes there.

# ---- start ----

vm_start() {
    rm -f "$dir/stopped"
    state=
    # What has the disks of a guest that has ended open is ended by the agent.
    is=$OCF_NOT_RUNNING
    if find_process || { is_domain && xen is_there; }; then
        vm_monitor
        is=$?
    fi
    case $is in
        "$OCF_SUCCESS")
            note_placed begun
            return "$OCF_SUCCESS"
            ;;
        "$DEGRADED")
            case $state in
                postmigrate | inmigrate | finish-migrate) failed "is moving, or has moved: QEMU says '$state'" ;;
            esac
            return
            ;;
        "$OCF_NOT_RUNNING") ;;
        *) return "$OCF_ERR_GENERIC" ;;
    esac
    started_by vm.start ',"placed":true' || return
    if ! find_process && ! is_domain; then
        failed "the agent has started it, but it ended at once; see $dir/qemu.log"
        return
    fi
    note_placed begun
}

# started_by COMMAND ARGUMENTS: has the agent do it, in two thirds of the time, also one that is not there yet.
started_by() {
    heard=$(now)
    until=$((heard + $(action_seconds 90) * 2 / 3))
    while :; do
        asked=$(now)
        left=$((until - asked))
        agent "$1" "$((left > 1 ? left : 1))" "$2"
        case $answer in
            *'"result":'*) return 0 ;;
        esac
        code=$(field code)
        # Not long for one that is not there: pacemaker fences nobody while it waits for this start.
        case $code in
            busy | overloaded)
                last=$until
                heard=$(now)
                ;;
            '')
                # It hung and was ended, perhaps only now: the next one is on its way.
                [ $(($(now) - asked)) -lt 2 ] || heard=$(now)
                last=$((heard + AGENT_RETURN))
                ;;
            *) last=0 ;;
        esac
        if [ "$(now)" -ge "$last" ] || [ "$(now)" -ge "$until" ]; then
            start_refused "$code"
            return
        fi
        sleep 0.5
    done
}

# start_refused CODE
start_refused() {
    case $1 in
        '') failed "the Holdfast agent does not answer on $OCF_RESKEY_run_dir/agent.sock; is holdfast.service running?" ;;
        *) failed "the agent does not start it: $(said)" ;;
    esac
    case $1 in
        not_found | bad_request) return "$OCF_ERR_ARGS" ;;
        forbidden) return "$OCF_ERR_PERM" ;;
    esac
    return "$OCF_ERR_GENERIC"
}

# ---- live migration ----

# move_seconds: for the whole move; the agent needs the rest to let the machine run on here.
move_seconds() {
    seconds=$(action_seconds 600)
    if [ "$seconds" -ge 60 ]; then
        echo $((seconds - 20))
    else
        echo $((seconds * 2 / 3))
    fi
}

# The agents of both nodes do it. Whatever goes wrong, the machine is on one of them at most; pacemaker then stops it on both
# and starts it.
vm_migrate_to() {
    within=$(move_seconds)
    copy=
    ! ocf_is_true "$OCF_RESKEY_copy_disks" || copy=',"copy_disks":true'
    agent vm.migrate $(($(action_seconds 600) - 3)) ",\"to\":\"$1\",\"timeout\":\"${within}s\",\"placed\":true$copy"
    case $answer in
        *'"result":'*) return "$OCF_SUCCESS" ;;
        '') failed "the Holdfast agent does not answer on $OCF_RESKEY_run_dir/agent.sock, so it is not moved to $1" ;;
        *) failed "$(said)" ;;
    esac
}

# It runs here already. Without an agent QEMU says so.
vm_migrate_from() {
    agent vm.migrate_from 15 ',"timeout":"10s"'
    case $answer in
        *'"result":'*)
            note_placed begun
            return "$OCF_SUCCESS"
            ;;
        '') ;;
        *)
            failed "$(field message) $(field cause)"
            return
            ;;
    esac
    if own_process "$dir/pid"; then
        ask_state
        if [ "$state" = running ]; then
            note_placed begun
            return "$OCF_SUCCESS"
        fi
    fi
    failed "it has not come over from $1"
}
