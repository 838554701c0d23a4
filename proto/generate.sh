#!/bin/sh
# Makes everything below proto/gen. `npm run generate` writes it in place; with a folder as argument it is written
# there instead, which is how `npm run generated` finds out whether what is committed is up to date.
# Run by npm, which puts buf, pbjs and pbts on the PATH.
set -eu
cd "$(dirname "$0")/.."
base=${1:-.}
gen=$base/proto/gen
frame=$gen/lockstep/replication/v1/frame
mkdir -p "$(dirname "$frame")"

# The public API and the agent's: messages as types, services for grpc-js.
buf generate --include-imports --output "$base"

# What reflection serves. Without source positions: nobody reads them there, and they triple it.
# The details of errors are in no message of the API: a client asks for their types by name.
buf build . --as-file-descriptor-set --exclude-source-info \
  --path proto/lockstep/v1 --path proto/lockstep/agent/v1 \
  --path node_modules/google-proto-files/google/rpc/error_details.proto --output "$gen/lockstep.binpb"
# A set of files behind another one is one set. That which grpc-health-check makes of its proto is no use: its references
# are relative, and Go's clients do not resolve them.
buf build node_modules/grpc-health-check/proto --as-file-descriptor-set --exclude-source-info --output - >>"$gen/lockstep.binpb"

# The frame header: static code that encodes into the buffer it is given, since it is on the path of every write.
pbjs -t static-module -w es6 --force-number --no-create --no-verify --no-convert --no-delimited --no-service \
  -o "$frame.js" proto/lockstep/replication/v1/frame.proto
pbts -o "$frame.d.ts" "$frame.js"
