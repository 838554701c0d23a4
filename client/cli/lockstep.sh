#!/bin/sh
# The `lockstep` command: finds the Node that the package pins, next to wherever this file really is, and runs
# main.ts on it. Symbolic links are followed, since npm and npx put one in place of the file.
set -eu

self=$0
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in
  /*) self=$target ;;
  *) self=$(dirname "$self")/$target ;;
  esac
done
here=$(CDPATH='' cd -- "$(dirname -- "$self")" && pwd -P)
package=${here%/client/cli}

# A short command mostly reads its own program: what Node made of it is kept.
# The folder is made here: where it cannot be made, Node may try for ever (a HOME of /proc). And it is this user's own:
# what is in it is run.
home=${HOME:-/nonexistent}
cache=${XDG_CACHE_HOME:-$home/.cache}/lockstep
if [ -z "${NODE_COMPILE_CACHE+set}" ] && [ -d "$home" ] && [ -O "$home" ]; then
  case $cache in
  /*) if mkdir -p -m 700 "$cache" 2>/dev/null && [ -O "$cache" ]; then export NODE_COMPILE_CACHE="$cache"; fi ;;
  esac
fi

# Where a host is named by its address, TLS is not asked for by a name: Node warns of that (DEP0123) for a library.
# In a checkout the dependencies are inside the package; installed into a project they are beside it.
# Where npm took the link in .bin away (link-commands.sh), the program itself is there.
for node in "$package"/node_modules/.bin/node "$package"/../.bin/node "$package"/../node-linux-*/bin/node; do
  if [ -x "$node" ]; then
    case $package in
    */node_modules/*) exec "$node" --disable-warning=DEP0123 --disable-warning=ExperimentalWarning --import "$here/strip-types.mjs" "$here/main.ts" "$@" ;;
    *) exec "$node" --disable-warning=DEP0123 "$here/main.ts" "$@" ;;
    esac
  fi
done

echo "error: the dependencies of lockstep are not installed in $package" >&2
echo "Install them: cd $package && npm ci --omit=dev   (or run: npm run quickstart)" >&2
exit 1
