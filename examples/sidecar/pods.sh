#!/bin/sh
# Makes two pods out of network namespaces (`up`), joined by one cable, and takes them away (`down`).
#   og-app   10.77.0.1   an application on 127.0.0.1:8080, and the rules of the init step
#   og-peer  10.77.0.2   reviews on 9080, mysql on 3306, and strangers on 8080 and 7000
set -eu
here=$(cd "$(dirname "$0")" && pwd)
outrigger="$here/../../dist/proxy/cli/main.js"
servers="$here/servers.mjs"
node=$(command -v node)

down() {
  for pod in og-app og-peer; do
    [ -e "/run/netns/$pod" ] || continue
    ip netns pids "$pod" | xargs -r kill
    ip netns del "$pod"
  done
}

# wire pod own-address other-address
wire() {
  ip -n "$1" link set lo up
  ip -n "$1" addr add "$2/24" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" route add default via "$3"
}

# serve pod servers…: as nobody in particular
serve() {
  pod=$1
  shift
  ip netns exec "$pod" setpriv --reuid 1000 --regid 1000 --clear-groups \
    --inh-caps +dac_read_search --ambient-caps +dac_read_search \
    "$node" "$servers" "$@" >/dev/null 2>&1 &
}

up() {
  down
  ip netns add og-app
  ip netns add og-peer
  ip -n og-app link add eth0 type veth peer name eth0 netns og-peer
  wire og-app 10.77.0.1 10.77.0.2
  wire og-peer 10.77.0.2 10.77.0.1
  ip netns exec og-app "$node" "$outrigger" istio-iptables -p 15001 -z 15006 -u 1337 -g 1337 \
    -m REDIRECT -i '*' -x '' -b '*' -d 15090,15021,15020
  serve og-app http:127.0.0.1:8080:app
  serve og-peer http:0.0.0.0:9080:reviews http:0.0.0.0:8080:stranger tcp:0.0.0.0:3306:mysql \
    tcp:0.0.0.0:7000:stranger
  echo "Pods og-app and og-peer are up; the traffic of og-app is captured."
}

case "${1:-}" in
  up | down) "$1" ;;
  *) echo "usage: $0 up|down" >&2; exit 64 ;;
esac
