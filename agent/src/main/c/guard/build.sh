#!/bin/sh
# Builds the guard into a directory: build.sh DIRECTORY VERSION. Says which Debian packages are missing.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: build.sh DIRECTORY VERSION" >&2
    exit 2
fi
missing=
command -v make >/dev/null || missing="$missing make"
command -v gcc >/dev/null || missing="$missing gcc libc6-dev"
if [ -z "$missing" ] && ! echo '#include <jansson.h>' | gcc -E -x c - >/dev/null 2>&1; then
    missing="$missing libjansson-dev libc6-dev"
fi
if [ -n "$missing" ]; then
    echo "cannot build the guard: programs or headers are missing; run: apt-get install$missing" >&2
    exit 1
fi
exec make -s -C "$(dirname "$0")" OUT="$1" VERSION="$2"
