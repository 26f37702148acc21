#!/usr/bin/env bats
# That the guard is built of parts that fit together, wherever the tree has been before.

@test "a tree that was copied with what it had built compiles anew what a changed header concerns" {
  local tree=$BATS_TEST_TMPDIR/tree copy=$BATS_TEST_TMPDIR/copy object concerned=0
  mkdir "$tree" && cp -r "$BATS_TEST_DIRNAME/../../agent/src/main/c" "$tree/"
  "$tree/c/guard/build.sh" "$tree/out" test
  cp -a "$tree" "$copy" && rm -r "$tree"

  touch "$copy/c/guard/vm.h"
  "$copy/c/guard/build.sh" "$copy/out" test

  for object in "$copy"/out/*.o; do
    grep -q 'vm\.h' "${object%.o}.d" || continue
    [ "$object" -nt "$copy/c/guard/vm.h" ]
    concerned=$((concerned + 1))
  done
  [ "$concerned" -gt 5 ]
}
