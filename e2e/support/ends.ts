/** How one command of a built-in scenario ends, as the page says it, and what its explanation must name. */
interface End {
  readonly pill: RegExp
  readonly says: RegExp
}

/** By scenario, its commands in order. */
export const ENDS: Readonly<Record<string, readonly End[]>> = {
  'two-containers': [
    { pill: /answered/, says: /never left pod\/web-a/ },
    { pill: /EADDRINUSE/, says: /share one network namespace/ },
  ],
  'pod-to-pod-same-node': [
    { pill: /answered/, says: /RemoteAddr: 10\.244\.1\.2/ },
    { pill: /answered/, says: /RemoteAddr: 10\.244\.1\.2/ },
  ],
  'pod-to-pod-host-routes': [{ pill: /answered/, says: /2 received, 0% packet loss/ }],
  'pod-to-pod-cloud-router': [{ pill: /answered/, says: /ttl=61/ }],
  'pod-to-service-remote': [{ pill: /answered/, says: /10\.96\.0\.10:80 → 10\.244\.2\.2:8080/ }],
  'service-nftables': [
    { pill: /answered/, says: /10\.96\.0\.10:80 → 10\.244\.2\.[23]:8080/ },
    { pill: /ECONNREFUSED/, says: /no Service has this port/ },
  ],
  'service-picks-backends': [
    { pill: /answered/, says: /Hostname: web-a[\s\S]*\/second/ },
    { pill: /answered/, says: /Hostname: web-[ab]/ },
    { pill: /answered/, says: /Hostname: web-[ab]/ },
    { pill: /answered/, says: /Hostname: web-b/ },
  ],
  'service-affinity': [
    { pill: /answered/, says: /Hostname: web-a/ },
    { pill: /answered/, says: /Hostname: web-a/ },
    { pill: /answered/, says: /Hostname: web-a/ },
    { pill: /answered/, says: /Hostname: web-b/ },
  ],
  'service-from-node': [
    { pill: /answered/, says: /RemoteAddr: 10\.244\.1\.1:/ },
    { pill: /answered/, says: /RemoteAddr: 192\.168\.1\.11:/ },
    { pill: /answered/, says: /RemoteAddr: 10\.244\.1\.1:/ },
  ],
  'service-hairpin': [{ pill: /answered/, says: /RemoteAddr: 10\.244\.1\.1:/ }],
  'node-port': [
    { pill: /answered/, says: /RemoteAddr: 10\.244\.1\.1:/ },
    { pill: /answered/, says: /RemoteAddr: 192\.168\.1\.12:/ },
  ],
  'node-port-local': [
    { pill: /answered/, says: /RemoteAddr: 192\.168\.1\.100:/ },
    { pill: /no answer/, says: /no ready endpoint on this node/ },
    { pill: /answered/, says: /Hostname: web-a/ },
  ],
  'host-port': [
    { pill: /answered/, says: /192\.168\.1\.11:18080 → 10\.244\.1\.3:8080/ },
    { pill: /answered/, says: /127\.0\.0\.1 → 10\.244\.1\.1/ },
    { pill: /ECONNREFUSED/, says: /no socket is open/ },
  ],
  'host-port-random': [
    { pill: /answered/, says: /192\.168\.1\.11:29769 → 10\.244\.1\.3:8080/ },
    { pill: /answered/, says: /192\.168\.1\.12:29784 → 10\.244\.2\.2:8080/ },
    { pill: /answered/, says: /10\.244\.1\.3 → 192\.168\.1\.11/ },
  ],
  'load-balancer': [
    { pill: /answered/, says: /lb\/web → gateway → fabric → node1/ },
    { pill: /answered/, says: /lb\/web → gateway → fabric → node2 → fabric → node1/ },
  ],
  'service-ipvs': [
    { pill: /answered/, says: /Hostname: web-b/ },
    { pill: /answered/, says: /Hostname: web-a/ },
  ],
  'service-userspace': [
    { pill: /answered/, says: /RemoteAddr: 192\.168\.1\.11:/ },
    { pill: /answered/, says: /Hostname: web-[ab]/ },
  ],
  'ingress-l7': [
    { pill: /answered/, says: /Hostname: cart-a[\s\S]*X-Forwarded-For: 198\.51\.100\.10/ },
    { pill: /answered/, says: /Hostname: web-a[\s\S]*X-Forwarded-For: 198\.51\.100\.10/ },
    { pill: /answered/, says: /no rule of any Ingress fits other\.example\// },
  ],
  'load-balancer-local': [
    { pill: /answered/, says: /"localEndpoints": 1/ },
    { pill: /answered/, says: /"localEndpoints": 0/ },
    { pill: /answered/, says: /RemoteAddr: 198\.51\.100\.10:/ },
  ],
  'load-balancer-inside': [
    { pill: /answered/, says: /203\.0\.113\.100:80 → 10\.244\.2\.2:8080/ },
    { pill: /answered/, says: /RemoteAddr: 192\.168\.1\.1[12]:|RemoteAddr: 10\.244\.2\.1:/ },
  ],
  'load-balancer-direct': [
    { pill: /answered/, says: /RemoteAddr: 198\.51\.100\.10:40001/ },
    { pill: /answered/, says: /RemoteAddr: 198\.51\.100\.10:40003/ },
  ],
  'metallb-layer2': [
    { pill: /answered/, says: /192\.168\.1\.240:80 → 10\.244\.2\.2:8080/ },
    { pill: /answered/, says: /192\.168\.1\.244:80 → 10\.244\.2\.3:8080/ },
  ],
  'metallb-failover': [
    { pill: /answered/, says: /192\.168\.1\.240:80 → 10\.244\.2\.2:8080/ },
    { pill: /no answer/, says: /timed out/ },
    { pill: /answered/, says: /192\.168\.1\.240:80 → 10\.244\.2\.2:8080/ },
  ],
  'other-cluster': [
    { pill: /answered/, says: /lb\/shop → east\/gateway → east\/fabric → node3/ },
    { pill: /answered/, says: /198\.18\.1\.100:80 → 192\.168\.2\.14:31080/ },
  ],
  'resolve-a-service': [{ pill: /answered/, says: /web → 10\.96\.0\.80/ }],
  'headless-service': [
    { pill: /answered/, says: /10\.244\.1\.3\s+STREAM/ },
    { pill: /answered/, says: /SRV\s+0 50 8080/ },
    { pill: /answered/, says: /Hostname: db-1/ },
  ],
  'external-name': [
    { pill: /answered/, says: /database → 198\.51\.100\.10/ },
    { pill: /answered/, says: /0% packet loss/ },
    { pill: /answered/, says: /CNAME\s+db\.example\.com/ },
  ],
  'ndots-storm': [
    { pill: /answered/, says: /api\.example\.com → 198\.51\.100\.10/ },
    { pill: /answered/, says: /api\.example\.com\. → 198\.51\.100\.10/ },
  ],
  'dns-down': [
    { pill: /EAI_AGAIN/, says: /no ready endpoint/ },
    { pill: /answered/, says: /Hostname: web/ },
  ],
  'dns-silent': [{ pill: /EAI_AGAIN/, says: /ip_forward=0/ }],
  'dns-stale-conntrack': [
    { pill: /answered/, says: /10\.96\.0\.80/ },
    { pill: /answered/, says: /0% packet loss/ },
    { pill: /no answer/, says: /timed out/ },
    { pill: /answered/, says: /10\.96\.0\.80/ },
  ],
  'dns-conntrack-race': [
    { pill: /answered/, says: /web → 10\.96\.0\.80/ },
    { pill: /answered/, says: /web → 10\.96\.0\.80/ },
  ],
  'ingress-alb': [
    { pill: /answered/, says: /RemoteAddr: 10\.244\.1\.1:[\s\S]*X-Forwarded-For: 198\.51\.100\.10/ },
    { pill: /answered/, says: /RemoteAddr: 192\.168\.1\.12:[\s\S]*X-Forwarded-For: 198\.51\.100\.10/ },
    { pill: /answered/, says: /no rule of any Ingress fits other\.example\// },
  ],
  'endpoint-replaced': [
    { pill: /answered/, says: /Hostname: web-a[\s\S]*\/two[\s\S]*Hostname: web-b/ },
    { pill: /answered/, says: /Hostname: web-b/ },
  ],
  'stale-udp-conntrack': [
    { pill: /answered/, says: /10\.96\.0\.7:7 → 10\.244\.2\.2:7/ },
    { pill: /answered/, says: /10\.96\.0\.7:7 → 10\.244\.1\.3:7/ },
    { pill: /answered/, says: /pod\/client → node1 → pod\/echo-b/ },
  ],
  'stale-udp-kept': [
    { pill: /answered/, says: /10\.96\.0\.7:7 → 10\.244\.2\.2:7/ },
    { pill: /no answer/, says: /conntrack still has the entry/ },
    { pill: /no answer/, says: /conntrack still has the entry/ },
    { pill: /answered/, says: /10\.96\.0\.7:7 → 10\.244\.1\.3:7/ },
  ],
  'pod-to-internet': [{ pill: /answered/, says: /RemoteAddr: 203\.0\.113\.11/ }],
  'broken-ip-forward': [{ pill: /no answer/, says: /ip_forward/ }],
  'broken-no-endpoints': [{ pill: /ECONNREFUSED/, says: /no ready endpoint/ }],
  'broken-endpoint-gone': [{ pill: /EHOSTUNREACH/, says: /10\.244\.2\.9/ }],
  'broken-bridge-nf': [{ pill: /no answer/, says: /bridge-nf-call-iptables/ }],
  'broken-hairpin': [{ pill: /no answer/, says: /hairpin mode/ }],
}
