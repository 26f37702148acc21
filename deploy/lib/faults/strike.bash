# shellcheck shell=bash disable=SC2154,SC2034  # variables of faults.sh
# How faults come: one or two, each at a point of the protocol or at a random moment, while an operation is under way. Sourced by
# faults.sh, never run. The fault is $kind at $point of $victim, and $second at $second_point of $second_victim unless $second is empty.

# What heals answers if it has to be asked again, because the other fault is in its way.
not_yet=75

under_way() { kill -0 "$asked" 2>/dev/null; }
# its_file NODE POINT - what is there when an agent waits at the point, or has ended there; as seen from this machine.
its_file() { inside "$1" "/run/faults/reached/$2"; }
# reached POINT FILE WHEN - it has come to the point; or it is time for what comes at random.
reached() { if [ "$1" = random ]; then [ -n "$3" ] && [ "$now" -ge "$3" ]; else [ -e "$2" ]; fi; }
# look_at_clock - sets now, in ms, without a process, and so does nap wait: the loop that uses them turns fifty times a second.
look_at_clock() { now=${EPOCHREALTIME/[.,]/} && now=${now::-3}; }
nap() { read -rt 0.02 <&"$nobody" || true; }
# shellcheck disable=SC2016
arm() { [ "$2" = random ] || on "$1" sh -c 'echo "$1" >"/run/faults/armed/$2"' sh "$(at_point "$3")" "$2"; }
release() { [ "$2" = random ] || on "$1" rm -f "/run/faults/armed/$2" "/run/faults/reached/$2" 2>/dev/null || true; }

# strike - the faults themselves, in the order in which they come. Sets was_reached, operation_status and ended (when
# they were over, in ms); forgets the one that did not come.
strike() {
  local now until finished='' i what=("$kind" "$second") where=("$point" "$second_point") whom=("$victim" "$second_victim") files at=() hit=('' '') heal_at=('' '')
  files=("$(its_file "$victim" "$point")" "$(its_file "$second_victim" "$second_point")")
  rm -f "$work/came"
  operate >"$work/operation" 2>&1 &
  asked=$!
  look_at_clock
  until=$((now + 40000)) at[0]=$((now + RANDOM % 3000))
  while look_at_clock && { being_healed || [ "$now" -lt "$until" ]; }; do
    for i in 0 1; do
      if [ -n "${what[i]}" ] && [ -z "${hit[i]}" ] && reached "${where[i]}" "${files[i]}" "${at[i]:-}" && inject "${what[i]}" "${whom[i]}"; then
        hit[i]=yes
        touch "$work/came"
        release "${whom[i]}" "${where[i]}"
        ended=$(now_ms)
        heal_at[i]=$((ended + 1000 * $(lasts "${what[i]}")))
        [ $i -eq 1 ] || at[1]=$((ended + RANDOM % 1000))
      fi
      if [ -n "${heal_at[i]}" ] && [ "$now" -ge "${heal_at[i]}" ]; then
        heal_at[i]=''
        heal "${what[i]}" "${whom[i]}" || [ $? -ne $not_yet ] || [ "$now" -ge $((until + 60000)) ] || heal_at[i]=$((now + 500))
        ended=$(now_ms)
      fi
    done
    being_healed || outstanding || break
    # What the operation has not reached may be reached by those that clear up after it.
    [ -n "$finished" ] || under_way || finished=yes until=$((now + 2500))
    nap
  done
  mark injected
  if [ -n "${hit[0]}" ]; then was_reached=true; else was_reached=false && release "$victim" "$point"; fi
  if [ -n "${hit[1]}" ]; then
    [ $was_reached = true ] || only_the_second
  elif [ -n "$second" ]; then
    release "$second_victim" "$second_point"
    second=''
  fi
  operation_status=0
  wait "$asked" || operation_status=$?
}
being_healed() { [ -n "${heal_at[0]}${heal_at[1]}" ]; }
outstanding() { [ -z "${hit[0]}" ] || { [ -n "$second" ] && [ -z "${hit[1]}" ]; }; }
only_the_second() {
  point=$second_point kind=$second victim=$second_victim was_reached=true second=''
}
