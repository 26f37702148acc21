# shellcheck shell=sh disable=SC2034,SC2154  # a part of the resource agent "vm", which sets what is used here
#
# What only a replicated machine has: start, promote, demote and validate of a promotable clone. monitor and stop, which have to
# work when nothing else does, are in "vm".
#
# The agent of the node keeps in the machine's run directory the integer promotion-score. This part keeps there
#   replica          this instance is started; in it the resource's name
#   promoted         it was promoted: a machine that runs no more has failed
#   shut-down        the guest has shut down or was asked to: the end of its process is no crash; the agent's, too
#   promotion-told   the score that pacemaker has been told; "refused" until the next monitor tells it anew
# All are lost in a reboot, as what they are about.

# is_true WORD: as pacemaker reads it.
is_true() {
    case $1 in
        true | TRUE | True | yes | YES | Yes | on | ON | On | y | Y | 1) return 0 ;;
    esac
    return 1
}

# check_clone: what can be seen of the clone's meta attributes.
check_clone() {
    is_promotable || return 0
    if ! is_true "${OCF_RESKEY_CRM_meta_notify:-false}"; then
        bad_parameter "$OCF_RESKEY_vm: the clone has to have notify=true: without it a handover and a shutdown look the same"
        return
    fi
    for max in "${OCF_RESKEY_CRM_meta_promoted_max:-1}" "${OCF_RESKEY_CRM_meta_master_max:-1}" "${OCF_RESKEY_CRM_meta_clone_node_max:-1}"; do
        if [ "$max" != 1 ]; then
            bad_parameter "$OCF_RESKEY_vm: promoted-max and clone-node-max have to be 1, not '$max': it runs once"
            return
        fi
    done
    if is_true "${OCF_RESKEY_CRM_meta_globally_unique:-false}"; then
        bad_parameter "$OCF_RESKEY_vm: the clone must not be globally-unique"
    fi
}

# ---- start ----

# replica_start: this node takes part. Whether it has a copy of use, and where to get one from, the agent finds out.
replica_start() {
    check_clone && check_part start.sh || return
    # shellcheck source=ocf-wrapper/start.sh
    . "$home/start.sh"
    rm -f "$dir/stopped"
    replica_monitor >/dev/null 2>&1
    case $? in
        "$PROMOTED" | "$DEGRADED_PROMOTED") began=promoted ;;
        *) began=started ;;
    esac
    if ! mark_started 2>/dev/null; then
        failed "$dir/replica cannot be written; is the file system full, or read-only?"
        return
    fi
    if [ "$began" = started ] && ! started_by replica.start ''; then
        code=$(field code)
        rm -f "$dir/replica"
        case $code in
            not_found | bad_request) return "$OCF_ERR_ARGS" ;;
            forbidden) return "$OCF_ERR_PERM" ;;
        esac
        return "$OCF_ERR_GENERIC"
    fi
    tell_score
}

# mark_started: what an earlier life was told is told anew.
mark_started() {
    rm -f "$dir/promoted" "$dir/promotion-told"
    (umask 027 && mkdir -p "$dir" && echo "$OCF_RESOURCE_INSTANCE" >"$dir/replica")
}

# ---- promote ----

# replica_promote: pacemaker says where, the agent whether. What may pass by itself, an election of ZooKeeper, a proof of a
# fencing that is a moment old, is waited for: a refusal costs pacemaker a round, and the machine stands still.
replica_promote() {
    check_clone && check_programs || return
    until=$(($(now) + $(action_seconds 60) * 5 / 6))
    heard=$(now)
    reason=
    while :; do
        left=$((until - $(now)))
        [ "$left" -gt 0 ] || left=1
        agent replica.promote $((left + 1)) ",\"timeout\":\"${left}s\""
        case $answer in
            *'"result":'*) break ;;
            '') last=$((heard + AGENT_RETURN)) ;;
            *STORE_SILENT* | *NOT_PROVEN_GONE* | *': BUSY '* | *'"code":"busy"'* | *'"code":"overloaded"'* | *'"code":"store_unreachable"'*)
                last=$until
                heard=$(now)
                reason=$answer
                ;;
            # The time was up before the agent knew more than it has said before.
            *'"code":"unknown_outcome"'*)
                last=0
                answer=${reason:-$answer}
                ;;
            *) last=0 ;;
        esac
        if [ "$(now)" -ge "$last" ] || [ "$(now)" -ge "$until" ]; then
            promote_refused
            return
        fi
        sleep 0.3
    done
    if ! find_process; then
        failed "the agent has promoted it, but it ended at once; see $dir/qemu.log"
        return
    fi
    echo "$OCF_RESOURCE_INSTANCE" >"$dir/promoted"
    tell_score
}

# promote_refused: pacemaker shall try elsewhere, and here again not before the next monitor has told a score. An error that
# forbids the node, or all of them, would also end a standby that may be needed in a moment.
promote_refused() {
    case $answer in
        '') failed "the Holdfast agent does not answer on $OCF_RESKEY_run_dir/agent.sock, so it is not promoted; is holdfast.service running?" ;;
        *) failed "not promoted: $(said)" ;;
    esac
    set_score -1
    echo refused >"$dir/promotion-told"
    return "$OCF_ERR_GENERIC"
}

# ---- demote ----

# machine_processes: "PID.START" of each that may run the machine, not of a standby.
machine_processes() {
    machine=
    ! own_process "$dir/pid" || machine=$pid
    for process in $(all_processes); do
        if [ "${process%.*}" = "$machine" ] || ! waits "${process%.*}"; then
            echo "$process"
        fi
    done
}

# names WORD LIST
names() {
    case " $2 " in
        *" $1 "*) return 0 ;;
    esac
    return 1
}

# is_shutdown: this demote is the first half of a stop, and nobody is to go on with the machine: the guest is to be asked to
# shut down. Otherwise it is a handover, in which the guest sees nothing. Known from what pacemaker tells with notify=true: of
# the instances to be stopped it names the resources, but not the nodes if the whole clone is to be stopped. One that is promoted
# but stopped before, as when the whole clone is restarted, has no standby any more that could go on.
is_shutdown() {
    instance=${OCF_RESOURCE_INSTANCE%:*}:${OCF_RESKEY_CRM_meta_clone:-0}
    names "$instance" "${OCF_RESKEY_CRM_meta_notify_stop_resource:-}" || return 1
    for successor in ${OCF_RESKEY_CRM_meta_notify_promote_resource:-}; do
        names "$successor" "$OCF_RESKEY_CRM_meta_notify_stop_resource" || return 1
    done
}

# replica_demote: whatever happens, nothing of the machine runs here afterwards. What the agent cannot do any more, its next
# life reads from the state in which it finds the node.
replica_demote() {
    check_part stop.sh || return
    # shellcheck source=ocf-wrapper/stop.sh
    . "$home/stop.sh"
    give_up=$(($(now) + $(action_seconds 120) - 1))
    until=$(($(now) + $(soft_seconds)))
    patience=$(($(action_seconds 120) / 6))
    agent_knows "$((patience > AGENT_PATIENCE ? patience : AGENT_PATIENCE))"
    case $? in
        0) if is_shutdown; then agent_stops "$until"; else agent_demotes "$until" || end_hanging_agent; fi ;;
        2) end_hanging_agent ;;
    esac
    # shellcheck disable=SC2046  # words
    set -- $(machine_processes)
    if [ $# -gt 0 ]; then
        ! is_shutdown || shut_down "$until" "$@" || :
        if any_lives "$@" && ! end_processes "$@"; then
            failed "process $* does not end although it was killed: its storage hangs in the kernel"
            return
        fi
    fi
    if find_process; then
        failed "process $pid has come while it was demoted"
        return
    fi
    # What is left of the process would make each monitor look for it.
    rm -f "$dir/promoted" "$dir/frozen" "$dir/pid" "$dir/rescue.sock"
    tell_score
}

# agent_demotes UNTIL: the standby gets the last epoch. Fails if the agent still listens and has not said what it has done by
# then: it may be promoting it, and must not come to that later.
agent_demotes() {
    while :; do
        left=$(($1 - $(now)))
        [ "$left" -gt 1 ] || left=1
        agent replica.demote "$((left + 1))" ",\"timeout\":\"${left}s\""
        case $answer in
            *': BUSY '* | *'"code":"busy"'* | *'"code":"overloaded"'*) ;;
            '') [ "$(now)" -lt "$1" ] || return 1 && return 0 ;;
            *) return 0 ;;
        esac
        [ "$(now)" -lt "$1" ] || return 1
        sleep 0.3
    done
}

# ---- validate-all ----

replica_check() {
    check_clone
}

# replica_validate: from level 10 on. What is wrong with the agent itself is said by the check that follows.
replica_validate() {
    agent replica.show "$AGENT_PATIENCE"
    case $answer in
        *'"result":'*) ;;
        *'"code":"refused"'*)
            replicated || return "$OCF_SUCCESS"
            failed "$(said)"
            return
            ;;
        *) return "$OCF_SUCCESS" ;;
    esac
    if ! replicated && [ -n "${OCF_RESKEY_CRM_meta_timeout:-}" ]; then
        bad_parameter "$OCF_RESKEY_vm is configured for replication: make it a promotable clone with notify=true"
        return
    fi
    if [ "$(field on_isolation)" = continue ]; then
        ocf_log warn "$OCF_RESKEY_vm: on_isolation=continue: a primary that has lost its standby and ZooKeeper runs on, and if the standby is promoted meanwhile, what the guest did since is lost"
    fi
    if fencing_is_off; then
        ocf_exit_reason "$OCF_RESKEY_vm: stonith-enabled is off: no standby is ever promoted, because nothing proves that the primary is gone"
        return "$OCF_ERR_GENERIC"
    fi
}
