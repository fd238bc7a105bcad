#!/usr/bin/env bash
# A real S3 server on loopback for tests: one Ceph monitor, one OSD that keeps everything in memory, and radosgw.
#
# usage: radosgw-up.sh [S3_PORT [MONITOR_PORT]]
#
# Once the server answers, prints four lines NAME=VALUE (endpoint, keys, region), as AWS clients read them from the
# environment. Runs until its standard input ends, a signal comes, or one of the servers dies; then everything is
# gone, its folder too. The servers die with this script even when it is killed with SIGKILL.
#
# Needs (Debian): apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
# Settings: https://docs.ceph.com/en/pacific/rados/configuration/ and .../radosgw/config-ref/
set -euo pipefail

s3_port=${1:-7480}
monitor_port=${2:-3300}
access_key=LOCALRADOSGWTESTKEY0
secret_key=local-radosgw-test-secret
patience_s=60

# Before anything else starts: the end of standard input is what tells that the caller has gone.
exec 3<&0 </dev/null
cat <&3 >/dev/null &
stdin_ends=$!
servers=()
folder=$(mktemp -d "${TMPDIR:-/tmp}/sluice-radosgw-XXXXXX")

finish() {
  trap '' EXIT HUP INT TERM
  # The shell would announce each of them.
  exec 2>/dev/null
  # Nothing of it is to be kept, and an OSD takes seconds to stop politely.
  kill -KILL "${servers[@]}" "$stdin_ends" || true
  wait || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

give_up() {
  echo "radosgw-up: $1" >&2
  tail -n 5 "$folder"/*.log >&2 || true
  exit 1
}

caller_is_there() {
  kill -0 "$stdin_ends" 2>/dev/null || exit 0
}

servers_are_there() {
  local server
  for server in "${servers[@]}"; do
    kill -0 "$server" 2>/dev/null || give_up 'a server has ended'
  done
}

start() { # PROGRAM ARGUMENT…
  # In the foreground and without privileges of its own, or the wish to die with this script would be lost.
  setpriv --pdeathsig KILL "$@" -f -c "$conf" >"$folder/$1.out" 2>&1 &
  servers+=($!)
}

run() { # COMMAND…
  caller_is_there
  timeout "$patience_s" "$@" >>"$folder/setup.log" 2>&1 || give_up "failed: $*"
}

conf=$folder/ceph.conf
keyring=$folder/keyring
cluster=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
monitor="[v2:127.0.0.1:$monitor_port]"
mkdir "$folder"/{mon,osd,rgw,run}
cat >"$conf" <<CONF
[global]
fsid = $cluster
mon host = $monitor
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = $keyring
run dir = $folder/run
crash dir = $folder/run
admin socket = $folder/run/\$name.sock
log file = $folder/\$name.log
# radosgw does not start with authentication off.
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 2000
mon allow pool size one = true
[mon]
mon data = $folder/mon
mon cluster log file = $folder/cluster.log
mon data avail crit = 1
# Every pool that is made takes several rounds; by default a round waits a second for others to join it.
paxos propose interval = 0.02
paxos min wait = 0.01
[osd]
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd class load list = *
osd class default list = *
[client.rgw]
rgw data = $folder/rgw
rgw frontends = beast endpoint=127.0.0.1:$s3_port
rgw run sync thread = false
rgw enable quota threads = false
rgw enable usage log = false
rgw override bucket index max shards = 1
# By default what was deleted stays two hours: here it would fill the memory.
rgw gc obj min wait = 1
rgw gc processor period = 2
rgw gc processor max time = 2
CONF

ceph_key() { # NAME CAPABILITY…
  ceph-authtool "$keyring" --gen-key -n "$@" >>"$folder/setup.log" 2>&1
}
: >"$keyring"
ceph_key mon. --cap mon 'allow *'
ceph_key client.admin --cap mon 'allow *' --cap osd 'allow *'
ceph_key client.rgw --cap mon 'allow *' --cap osd 'allow *'
ceph_key osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
run monmaptool --create --fsid "$cluster" --addv a "$monitor" "$folder/monmap"
run ceph-mon -c "$conf" --mkfs -i a --monmap "$folder/monmap" --keyring "$keyring"
start ceph-mon -i a
run ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$osd"
run ceph -c "$conf" osd new "$osd" 0
start ceph-osd -i 0
# Waits for the OSD, and makes the pools that radosgw would make itself.
run radosgw-admin -c "$conf" -n client.rgw user create --uid=test --display-name=test \
  --access-key="$access_key" --secret-key="$secret_key"
start radosgw -n client.rgw

give_up_at=$((SECONDS + patience_s))
until (exec 4<>"/dev/tcp/127.0.0.1/$s3_port") 2>/dev/null; do
  caller_is_there
  servers_are_there
  [ "$SECONDS" -lt "$give_up_at" ] || give_up "radosgw did not open port $s3_port within $patience_s s"
  sleep 0.1
done

echo "AWS_ENDPOINT_URL_S3=http://127.0.0.1:$s3_port"
echo "AWS_ACCESS_KEY_ID=$access_key"
echo "AWS_SECRET_ACCESS_KEY=$secret_key"
echo 'AWS_REGION=us-east-1'

wait -n || true
caller_is_there
servers_are_there
