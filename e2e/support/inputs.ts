/** A whole document of nine lines, so that a test can name the line it breaks. */
export const CLUSTER = `hopscope: 1
title: Two pods, one node
cluster: { network: { plugin: bridge } }
objects:
  - { apiVersion: v1, kind: Node, metadata: { name: worker }, spec: { podCIDR: 10.244.7.0/24 } }
  - { apiVersion: v1, kind: Pod, metadata: { name: a }, spec: { nodeName: worker, containers: [ { name: a } ] }, status: { podIP: 10.244.7.2 } }
  - { apiVersion: v1, kind: Pod, metadata: { name: b }, spec: { nodeName: worker, containers: [ { name: b } ] }, status: { podIP: 10.244.7.3 } }
journeys:
  - { from: pod/a, run: "ping -c 1 10.244.7.3" }
`

/** What \`kubectl get nodes,pods,svc,endpointslices -A -o yaml\` prints, shortened but not tidied. */
export const KUBECTL = `apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    annotations:
      node.alpha.kubernetes.io/ttl: "0"
      volumes.kubernetes.io/controller-managed-attach-detach: "true"
    creationTimestamp: "2025-11-02T08:14:11Z"
    labels:
      beta.kubernetes.io/arch: amd64
      kubernetes.io/hostname: w1
    name: w1
    resourceVersion: "48211"
    uid: 6f0a35c4-5f53-4fd3-a5f7-0b5f55bd3b1a
  spec:
    podCIDR: 10.42.0.0/24
    podCIDRs:
    - 10.42.0.0/24
  status:
    addresses:
    - address: 192.0.2.21
      type: InternalIP
    - address: w1
      type: Hostname
    capacity:
      cpu: "4"
      pods: "110"
    nodeInfo:
      kubeProxyVersion: ""
      kubeletVersion: v1.33.4
- apiVersion: v1
  kind: Node
  metadata:
    name: w2
    uid: 3b1d2f13-7f6a-4b21-9a59-7a55a9b8f0bb
  spec:
    podCIDR: 10.42.1.0/24
  status:
    addresses:
    - address: 192.0.2.22
      type: InternalIP
- apiVersion: v1
  kind: Pod
  metadata:
    generateName: cart-7d4b9-
    labels:
      app: cart
      pod-template-hash: 7d4b9
    name: cart-7d4b9-x2x7p
    namespace: shop
    ownerReferences:
    - apiVersion: apps/v1
      blockOwnerDeletion: true
      controller: true
      kind: ReplicaSet
      name: cart-7d4b9
      uid: 0c0a1e0e-6d5a-4a8c-9c0f-1f2b3c4d5e6f
  spec:
    containers:
    - image: example.org/cart:1.4
      imagePullPolicy: IfNotPresent
      name: cart
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access-6xk9n
        readOnly: true
    nodeName: w1
    serviceAccountName: default
    tolerations:
    - effect: NoExecute
      key: node.kubernetes.io/not-ready
      operator: Exists
      tolerationSeconds: 300
  status:
    conditions:
    - status: "True"
      type: Ready
    hostIP: 192.0.2.21
    phase: Running
    podIP: 10.42.0.9
    podIPs:
    - ip: 10.42.0.9
- apiVersion: v1
  kind: Pod
  metadata:
    labels:
      app: stock
    name: stock-5c6f8-9kq2d
    namespace: shop
  spec:
    containers:
    - image: example.org/stock:2.0
      name: stock
      ports:
      - containerPort: 9090
        name: http
        protocol: TCP
    nodeName: w2
  status:
    conditions:
    - status: "True"
      type: Ready
    phase: Running
    podIP: 10.42.1.17
    podIPs:
    - ip: 10.42.1.17
- apiVersion: v1
  kind: Service
  metadata:
    name: stock
    namespace: shop
  spec:
    clusterIP: 10.43.7.21
    clusterIPs:
    - 10.43.7.21
    internalTrafficPolicy: Cluster
    ipFamilies:
    - IPv4
    ipFamilyPolicy: SingleStack
    ports:
    - name: http
      port: 8080
      protocol: TCP
      targetPort: http
    selector:
      app: stock
    sessionAffinity: None
    type: ClusterIP
  status:
    loadBalancer: {}
- addressType: IPv4
  apiVersion: discovery.k8s.io/v1
  endpoints:
  - addresses:
    - 10.42.1.17
    conditions:
      ready: true
      serving: true
      terminating: false
    nodeName: w2
    targetRef:
      kind: Pod
      name: stock-5c6f8-9kq2d
      namespace: shop
  kind: EndpointSlice
  metadata:
    generateName: stock-
    labels:
      endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io
      kubernetes.io/service-name: stock
    name: stock-d8f2k
    namespace: shop
  ports:
  - name: http
    port: 9090
    protocol: TCP
kind: List
metadata:
  resourceVersion: ""
`

/** One Docker host as its own tools show it: a bridge with two ports, a rule whose match is not modelled. */
export const NODE_TABLES: Readonly<Record<string, string>> = {
  'ip-addr.txt': `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 1000
    link/ether 02:00:5e:10:00:07 brd ff:ff:ff:ff:ff:ff
    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0
       valid_lft forever preferred_lft forever
3: docker0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
    link/ether 02:42:7c:0a:11:01 brd ff:ff:ff:ff:ff:ff
    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0
       valid_lft forever preferred_lft forever
5: veth1a2b3c4@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master docker0 state UP group default
    link/ether 5e:11:22:33:44:55 brd ff:ff:ff:ff:ff:ff link-netnsid 0
`,
  'ip-route.txt': `default via 192.0.2.1 dev eth0
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.7
`,
  'ip-neigh.txt': `192.0.2.1 dev eth0 lladdr 02:00:5e:10:00:01 REACHABLE
172.17.0.2 dev docker0 lladdr 02:42:ac:11:00:02 STALE
`,
  'iptables-save.txt': `# Generated by iptables-save v1.8.9 (nf_tables) on Sun Nov  2 10:00:00 2025
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m hashlimit --hashlimit-above 5/min --hashlimit-mode srcip --hashlimit-name ssh -j DROP
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`,
}
