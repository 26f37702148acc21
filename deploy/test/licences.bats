#!/usr/bin/env bats
# The check of licences that ends a build, on the layout that "mvn package" has made.

setup() {
  library=$BATS_TEST_DIRNAME/../target/root/usr/lib/holdfast/lib
  bill=$BATS_TEST_DIRNAME/../package/third-party.cdx.json
  changed=$BATS_TEST_TMPDIR/changed.json
}

check() {
  java -cp "$library/*" "$BATS_TEST_DIRNAME/../install/Licences.java" "$1" "$library" "$BATS_TEST_TMPDIR/sbom.json" 0.1.0 /nowhere
}

@test "every jar that is shipped is in the bill of materials, with a licence that may be" {
  run check "$bill"
  [ "$status" -eq 0 ]
  [ "$(grep -c '^Files: ' <<<"$output")" -gt 30 ]
  grep -q '^License: MIT$' <<<"$output"
  cmp "$BATS_TEST_TMPDIR/sbom.json" "$BATS_TEST_DIRNAME/../target/root/usr/share/doc/holdfast/holdfast.cdx.json"
}

@test "a licence that nobody has looked at, another jar, an unnamed one and one too many end the build" {
  sed 's/"MIT"/"GPL-3.0-only"/; s/"name" : "picocli"/"name" : "pico"/; /"name" : "tomlj"/,/purl/ s/"content" : "./"content" : "x/' \
    "$bill" >"$changed"
  run check "$changed"
  [ "$status" -eq 1 ]
  grep -q 'has the licence "GPL-3.0-only"; allowed are' <<<"$output"
  grep -q 'tomlj-.* is another one than .* names: its SHA-256 is' <<<"$output"
  grep -q 'picocli-.* is shipped, and .* does not name it' <<<"$output"
  grep -q 'names pico-.* which is not shipped' <<<"$output"
}
