#!/bin/sh
# npm run quickstart: from a fresh clone to a running, replicated PostgreSQL. This file needs no more than a POSIX
# shell, npm and any Node from 20 on; it installs the dependencies, and hands over to main.ts on the Node they pin.
set -eu

fail() {
  echo "error: $1" >&2
  echo "$2" >&2
  exit 1
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
package=${here%/client/quickstart}
node=$package/node_modules/.bin/node

[ "$(uname -s)" = Linux ] || fail "Lockstep runs on Linux, and this is $(uname -s)" "Use a Linux machine, such as Debian 12."
case $(uname -m) in
x86_64 | aarch64) ;;
*) fail "this machine is a $(uname -m)" "Lockstep runs on x86_64 and aarch64." ;;
esac
case " $* " in
*' --help '* | *' -h '*) ;;
*)
  [ "$(id -u)" = 0 ] || fail "the quick start has to be root: it mounts file systems and installs PostgreSQL" \
    "Try: sudo npm run quickstart"
  ;;
esac
command -v npm >/dev/null 2>&1 || fail "npm is not installed" "On Debian: apt-get install nodejs npm"
command -v node >/dev/null 2>&1 || fail "node is not installed" "Node 20 or newer is needed to begin: nodejs.org"

again="npm run quickstart${*:+ -- $*}"
trap 'echo "Interrupted: nothing was started or stopped yet. Go on: $again" >&2; exit 130' INT TERM

link() { sh "$package/client/link-commands.sh" || true; }

link
if ! reason=$(node "$here/check-modules.mjs" "$package") || ! [ -x "$node" ]; then
  case " $* " in
  *' --stop '* | *' --clean '* | *' --kill-primary '*) echo "Installing the npm dependencies first (${reason:-no pinned Node})." ;;
  *) echo "Installing the npm dependencies (${reason:-no pinned Node}): about 250 MB, once." ;;
  esac
  # A developer's tools are not taken away by it.
  omit=--omit=dev
  [ ! -e "$package/node_modules/.bin/tap" ] || omit=--include=dev
  (cd "$package" && npm ci "$omit" --no-audit --no-fund --loglevel=error) ||
    fail "npm could not install the dependencies; its reason is above" "Nothing was started. Try again: $again"
  link
  [ -x "$node" ] || fail "npm installed everything but the pinned Node" \
    "Optional dependencies have to be on: npm config get omit should not list optional."
  echo "The npm dependencies are installed."
fi

exec "$node" "$here/main.ts" "$@"
