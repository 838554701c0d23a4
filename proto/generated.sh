#!/bin/sh
# Fails when proto/gen is not what proto/*.proto makes.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
sh proto/generate.sh "$fresh"
if ! diff -rq "$fresh/proto/gen" proto/gen; then
  echo 'proto/gen is not up to date: run "npm run generate" and commit what it makes.' >&2
  exit 1
fi
