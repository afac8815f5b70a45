#!/usr/bin/env bash
# Runs a real S3 server, Ceph's radosgw, on loopback: one monitor, one manager, one disk of a sparse file. Prints its address once it answers,
# and ends with all it started when standard input is closed. Arguments: access key, secret key, four free ports.
set -euo pipefail
access=$1 secret=$2 port=$3 mon2=$4 mon1=$5 ports=$6

home=$(mktemp -d "${TMPDIR:-/tmp}/touchstone-radosgw-XXXXXX")
pids=()
finish() {
  # The last one first: what serves ends before what it stores in.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -KILL "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  rm -rf "$home"
}
trap finish EXIT
trap 'exit 1' TERM INT

cd "$home"
mkdir mon mgr osd run log
cat >ceph.conf <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$mon2,v1:127.0.0.1:$mon1]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind port min = $ports
ms bind port max = $((ports + 40))
keyring = $home/keyring
mon data = $home/mon
mgr data = $home/mgr
osd data = $home/osd
run dir = $home/run
pid file = $home/run/\$name.pid
admin socket = $home/run/\$name.asok
log file = $home/log/\$name.log
setuser match path =
osd objectstore = bluestore
bluestore block size = 4294967296
bluestore block db create = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
mon data avail warn = 2
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
CONF

conf=(-c "$home/ceph.conf")
start() {
  "$@" >"log/$1.out" 2>&1 </dev/null &
  pids+=($!)
}
# Tries a command until it works, for a minute.
until_works() {
  for _ in $(seq 120); do
    timeout 20 "$@" >/dev/null 2>>log/tries.out && return
    sleep 0.5
  done
  echo "does not work: $*" >&2
  cat log/*.out >&2
  return 1
}

ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *' >/dev/null
ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
ceph-authtool keyring --gen-key -n client.rgw --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
ceph-authtool keyring --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd'
ceph-authtool keyring --gen-key -n mgr.a --cap mon 'allow profile mgr' --cap osd 'allow *' --cap mds 'allow *'
fsid=$(sed -n 's/^fsid = //p' ceph.conf)
monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon2,v1:127.0.0.1:$mon1]" monmap >/dev/null
ceph-mon "${conf[@]}" --mkfs -i a --monmap monmap --keyring keyring

start ceph-mon "${conf[@]}" -i a -f
disk=$(cat /proc/sys/kernel/random/uuid)
until_works ceph "${conf[@]}" osd new "$disk"
ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$disk" >log/mkfs.out 2>&1
start ceph-mgr "${conf[@]}" -i a -f
start ceph-osd "${conf[@]}" -i 0 -f
until_works ceph "${conf[@]}" osd crush add osd.0 1.0 root=default host=here
start radosgw "${conf[@]}" -n client.rgw -f
until_works radosgw-admin "${conf[@]}" -n client.rgw user create --uid=test --display-name=test \
  --access-key="$access" --secret="$secret"
until_works bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"

echo "http://127.0.0.1:$port"
# Until whoever started this has ended, however that was.
cat >/dev/null
