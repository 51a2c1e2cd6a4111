#!/usr/bin/env bash
# Time from start to ready on an empty data directory, and resident memory two seconds later.
#
#     cargo build --release --package evenkeel && benches/memory-and-start.sh target/release/evenkeel
set -euo pipefail
binary="${1:?name the binary}"
port="${2:-17701}"
for _ in 1 2 3 4 5; do
  data="$(mktemp -d)"
  began=$(date +%s%N)
  "$binary" serve --data-dir "$data" --listen "127.0.0.1:$port" --otlp-grpc-listen off --otlp-http-listen off 2>/dev/null &
  server=$!
  until curl -sf "http://127.0.0.1:$port/readyz" >/dev/null; do sleep 0.005; done
  ready=$(date +%s%N)
  sleep 2
  echo "ready after $(((ready - began) / 1000000)) ms, $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$server/status") MB resident"
  kill "$server"
  wait "$server"
  rm -rf "$data"
done
