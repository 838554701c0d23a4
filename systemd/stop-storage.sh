#!/bin/sh
# ExecStop of a host that stores. A stop is normally a pause: systemd sends SIGTERM to the daemon once this is over, and
# engines and devices live on. Two cases are none, and get SIGUSR2, on which the daemon first stops the engines, unmounts
# and detaches: the machine goes down (an engine whose device is gone cannot shut down cleanly, and would hang the
# shutdown), or somebody asked for it by creating /run/lockstep/release.
set -eu
release=${LOCKSTEP_RELEASE_FILE:-/run/lockstep/release}
state=$(systemctl is-system-running 2>/dev/null || true)
[ "$state" = stopping ] || [ -e "$release" ] || exit 0
rm -f "$release"
kill -USR2 "$MAINPID"
# Bounded by TimeoutStopSec.
tail --pid="$MAINPID" --sleep-interval=0.1 -f /dev/null
