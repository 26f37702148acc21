#!/usr/bin/env bats
# What systemd thinks of the sandbox of each unit is no worse than docs/operations.md says. Under a second; needs no root.

@test "no unit is more exposed than the documentation says" {
  command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed (Debian: systemd)"
  root=$BATS_TEST_DIRNAME/../..
  for unit in "$root"/deploy/install/*.service; do
    name=$(basename "$unit")
    documented=$(sed -n "s/^| \`$name\` | \([0-9.]*\) |.*/\1/p" "$root/docs/operations.md")
    [ -n "$documented" ] || { echo "docs/operations.md has no figure for $name"; return 1; }
    # Offline: the file alone. A threshold is given in tenths of a tenth; it fails above it.
    systemd-analyze security --offline=true --threshold="$(awk -v f="$documented" 'BEGIN { print f * 10 }')" \
      "$(realpath "$unit")" >"$BATS_TEST_TMPDIR/said" 2>&1 || {
      tail -n 1 "$BATS_TEST_TMPDIR/said"
      echo "documented: $documented"
      return 1
    }
    tail -n 1 "$BATS_TEST_TMPDIR/said" | grep -F " $documented " || { echo "$name: the documented figure $documented is out of date"; return 1; }
  done
}
