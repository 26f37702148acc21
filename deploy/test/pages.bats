#!/usr/bin/env bats
# What pacemaker would do with configurations that the pages tell, asked of its own scheduler without a cluster.
bats_require_minimum_version 1.5.0

setup() {
  export CIB_file=$BATS_TEST_TMPDIR/cib.xml
  page=$BATS_TEST_DIRNAME/../../docs/pacemaker.md
}

# simulate WORD... - lets the cluster do what it wants to after that, and shows the transition.
simulate() {
  crm_simulate --xml-file "$CIB_file" --save-output "$CIB_file.next" --simulate "$@" 2>&1
  mv "$CIB_file.next" "$CIB_file"
}

@test "losing the agent touches no machine, and a standby stops the machine before the agent" {
  cibadmin --empty >"$CIB_file"
  {
    echo "property stonith-enabled=false"
    echo "primitive web ocf:holdfast:vm params vm=web op monitor interval=10s"
    awk '/^    primitive holdfastd /, /^$/ { sub(/^    /, ""); print }' "$page"
  } >"$BATS_TEST_TMPDIR/crm"
  [ "$(grep -cE '^(primitive|clone|order) ' "$BATS_TEST_TMPDIR/crm")" -eq 4 ]
  crm -F configure load update - <"$BATS_TEST_TMPDIR/crm" 2>/dev/null
  run -0 simulate --quorum 1 --node-up n1 --node-up n2
  echo "$output"
  grep -qE 'Start +web +\( +n[12] \)' <<<"$output"
  where=$(sed -nE 's/.*Start +web +\( +(n[12]) \).*/\1/p' <<<"$output" | head -n 1)
  run -0 simulate --op-inject "holdfastd_monitor_30000@$where=7"
  echo "$output"
  grep -qE 'Recover +holdfastd' <<<"$output"
  run -1 grep -E '(Stop|Restart|Recover|Move|Migrate|Start) +web|action: +web +(stop|start)' <<<"$output"
  crm_attribute --type nodes --node "$where" --name standby --update on
  run -0 simulate
  echo "$output"
  awk '/action: web +stop/ { machine = NR } /action: holdfastd +stop/ { agent = NR } END { exit !(machine && agent && machine < agent) }' <<<"$output"
}
