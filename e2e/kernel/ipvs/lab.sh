#!/usr/bin/env bash
# A node with kube-proxy's IPVS feed (feed.txt beside this file, `npm run kernel -- --ipvs` writes it), a client pod, a backend on
# the node and one on another; leaves in $OUT what the tools print. Runs in a guest of qemu-run, which has ip_vs.
set -u
die() { echo "ipvs: $*" >&2; exit 1; }
in_ns() { local ns=$1; shift; ip netns exec "$ns" "$@"; }

part() { sed -n "/^# $1/,/^# /{/^# /!p}" "$SCRIPT_DIR/feed.txt"; }

for ns in node1 client near far; do
  ip netns add "$ns" || die "no namespace $ns"
  ip -n "$ns" link set lo up
done
cable() { # NS DEVICE NS DEVICE
  ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" || die "no cable $1 $3"
  ip -n "$1" link set "$2" up && ip -n "$3" link set "$4" up
}
cable node1 veth-client client eth0
cable node1 veth-near near eth0
cable node1 eth0 far eth0
# No bridge: a reply between two of its ports would pass IPVS by.
ip -n node1 addr add 10.244.1.1/32 dev veth-client
ip -n node1 route add 10.244.1.2/32 dev veth-client
ip -n node1 route add 10.244.1.5/32 dev veth-near src 10.244.1.1
ip -n node1 addr add 192.168.1.11/24 dev eth0
ip -n node1 route add 10.244.2.0/24 via 192.168.1.12
ip -n client addr add 10.244.1.2/32 dev eth0
ip -n near addr add 10.244.1.5/32 dev eth0
for ns in client near; do
  ip -n "$ns" route add 10.244.1.1/32 dev eth0
  ip -n "$ns" route add default via 10.244.1.1
done
ip -n far addr add 192.168.1.12/24 dev eth0
ip -n far addr add 10.244.2.5/32 dev lo
ip -n far route add 10.244.1.0/24 via 192.168.1.11

modprobe ip_vs && modprobe ip_vs_rr && modprobe xt_ipvs || die 'the kernel has no ip_vs'
in_ns node1 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.vs.conntrack=1 net.ipv4.vs.conn_reuse_mode=0 \
  net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1 || die sysctls
part 'ip -batch' | ip -n node1 -batch - || die 'ip refuses the addresses'
part 'ipset restore' | in_ns node1 ipset restore || die 'ipset refuses the sets'
part 'ipvsadm -R' | in_ns node1 ipvsadm -R || die 'ipvsadm refuses the virtual servers'
part 'iptables-restore' | in_ns node1 iptables-legacy-restore --noflush --counters || die 'iptables-restore refuses the rules'

for ns in near far; do in_ns "$ns" python3 -m http.server 8080 >/dev/null 2>&1 & done
for ns in near far; do
  for _ in $(seq 600); do
    [ -n "$(in_ns "$ns" ss -Hltn 'sport = :8080')" ] && continue 2
    sleep 0.1
  done
  die "no server in $ns"
done

# How other schedulers, flags and persistence are printed.
ip netns add others
ip -n others link set lo up
cat >"$OUT/others.txt" <<'END'
-A -t 203.0.113.1:80 -s mh -b mh-port
-A -u 203.0.113.1:53 -s sh -b sh-fallback,sh-port -p 10800
-a -u 203.0.113.1:53 -r 192.0.2.1:5353 -g -w 3
-a -u 203.0.113.1:53 -r 192.0.2.2:53 -i -w 0
END
in_ns others ipvsadm -R <"$OUT/others.txt" || die 'ipvsadm refuses the others'
in_ns others ipvsadm -Ln >"$OUT/ipvsadm-others.txt"

in_ns node1 ipvsadm -Ln >"$OUT/ipvsadm.txt"
for port in 40001 40002 40003; do
  in_ns client curl -sS -o /dev/null -I --max-time 60 --local-port "$port" http://10.96.0.10/
  echo "$port exit $?" >>"$OUT/curl.txt"
done
in_ns node1 ipvsadm -Lnc >"$OUT/connections.txt"
ip -n node1 -4 addr show kube-ipvs0 >"$OUT/ip-addr.txt"
ip -n node1 -4 route show table local dev kube-ipvs0 >"$OUT/ip-route-local.txt"
in_ns node1 ipset list >"$OUT/ipset-list.txt"
in_ns node1 ipset save >"$OUT/ipset-save.txt"
in_ns node1 iptables-legacy-save -c >"$OUT/iptables-save.txt"
in_ns node1 conntrack -L >"$OUT/conntrack.txt" 2>/dev/null
{ uname -sr; ipvsadm --version; ipset --version; ip -V; iptables-legacy -V; } >"$OUT/versions.txt" 2>&1
