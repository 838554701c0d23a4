#!/bin/sh
# What the tests need beside the source: the development packages of npm, tap built with the plugins of .taprc, and
# programs of Debian that the tests use as real clients and real engines. Does nothing where all is there.
set -eu
cd "$(dirname "$0")/.."

if [ ! -x node_modules/.bin/tap ]; then
  if [ -d node_modules ]; then
    # Not `npm ci`: that would first take away the modules of daemons that a quick start left running.
    echo 'test: adding the development packages (npm install)'
    npm install --include=dev --no-save --no-audit --no-fund
  else
    echo 'test: installing the npm packages (npm ci)'
    npm ci --no-audit --no-fund
  fi
fi
sh client/link-commands.sh
PATH=$PWD/node_modules/.bin:$PATH tap build

# package: a program of it: what it is for
needed='qemu-system-common:qemu-storage-daemon:makes a volume a block device
qemu-utils:qemu-io:qemu-io and qemu-img, NBD clients with the block layer of QEMU
libnbd-bin:nbdcopy:a second NBD client, nbdinfo and nbdcopy
python3-libnbd:nbdsh:sends requests over NBD that no other client would
nbdkit:nbdkit:an NBD server to test the attaching of devices against
fio:fio:random verified I/O over NBD
strace:strace:counts the system calls of a request
e2fsprogs:mkfs.ext4:the file system of engines
xfsprogs:mkfs.xfs:a second file system on a volume
mount:losetup:loop devices and mounts
procps:ps:finds what a test left behind
bind9-dnsutils:dig:asks the DNS responder
openssl:openssl:makes certificates for NBD over TLS
systemd:systemd-analyze:verifies the units
spin:spin:searches the model of who may serve
gcc:gcc:compiles that search
git:git:lists the tracked files for the house rules'

missing=
add() {
  echo "test: $1 is missing ($2)"
  missing="$missing $1"
}
# Root's PATH may lack the sbin folders under su and in containers.
PATH=$PATH:/usr/sbin:/sbin
while IFS=: read -r package program reason; do
  command -v "$program" >/dev/null || add "$package" "$reason"
done <<EOF
$needed
EOF
# Its programs are not on the PATH.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || add postgresql 'the engine'
# Debian's Python, whatever other one is on the PATH.
/usr/bin/python3 -c 'import grpc' 2>/dev/null || add python3-grpcio "a stranger's gRPC client"
/usr/bin/python3 -c 'import google.protobuf' 2>/dev/null || add python3-protobuf 'the messages of that client'
# A header of it stands for the package, which gcc only recommends.
[ -e /usr/include/stdlib.h ] || add libc6-dev 'gcc compiles with it'
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "test: not root, or not Debian. Install them first:  apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
if [ ! -e /etc/postgresql-common ]; then
  # The package would otherwise make and start a database cluster of its own, which nobody asked for.
  mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
export DEBIAN_FRONTEND=noninteractive
lock='-o DPkg::Lock::Timeout=120'
apt-get $lock update -q
# $missing is a list of words.
apt-get $lock install -q -y --no-install-recommends $missing
