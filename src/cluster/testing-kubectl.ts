// A cluster as `kubectl get nodes,pods,services -A -o yaml` prints it, of about the size that is asked for.

const PODS_PER_NODE = 60

/** About `size` characters of a `kind: List`: per pod what an API server really adds (managed fields left out, as kubectl does). */
export function kubectlYaml(size: number): string {
  const items: string[] = []
  let length = 0
  const push = (item: string) => {
    items.push(item)
    length += item.length
  }
  for (let i = 0; length < size; i++) {
    const n = Math.floor(i / PODS_PER_NODE)
    if (i % PODS_PER_NODE === 0) push(nodeYaml(n))
    if (i % 20 === 0) push(serviceYaml(i / 20))
    push(podYaml(i, n))
  }
  return `apiVersion: v1\nitems:\n${items.join('')}kind: List\nmetadata:\n  resourceVersion: ""\n`
}

const uid = (n: number): string => `${n.toString(16).padStart(8, '0')}-1b2c-4d3e-8f90-a1b2c3d4e5f6`

const nodeYaml = (n: number): string => `- apiVersion: v1
  kind: Node
  metadata:
    annotations:
      kubeadm.alpha.kubernetes.io/cri-socket: unix:///run/containerd/containerd.sock
      node.alpha.kubernetes.io/ttl: "0"
      volumes.kubernetes.io/controller-managed-attach-detach: "true"
    creationTimestamp: "2026-03-01T10:11:12Z"
    labels:
      kubernetes.io/arch: amd64
      kubernetes.io/hostname: worker-${n}
      kubernetes.io/os: linux
    name: worker-${n}
    resourceVersion: "${1000 + n}"
    uid: ${uid(n)}
  spec:
    podCIDR: 10.244.${n}.0/24
    podCIDRs:
    - 10.244.${n}.0/24
  status:
    addresses:
    - address: 10.0.0.${n + 10}
      type: InternalIP
    - address: worker-${n}
      type: Hostname
    conditions:
    - lastHeartbeatTime: "2026-03-01T12:00:00Z"
      lastTransitionTime: "2026-03-01T10:12:00Z"
      message: kubelet is posting ready status
      reason: KubeletReady
      status: "True"
      type: Ready
`

const serviceYaml = (i: number): string => `- apiVersion: v1
  kind: Service
  metadata:
    creationTimestamp: "2026-03-01T10:11:12Z"
    labels:
      app: app-${i}
    name: app-${i}
    namespace: default
    resourceVersion: "${2000 + i}"
    uid: ${uid(i)}
  spec:
    clusterIP: 10.96.${Math.floor(i / 250)}.${(i % 250) + 1}
    clusterIPs:
    - 10.96.${Math.floor(i / 250)}.${(i % 250) + 1}
    internalTrafficPolicy: Cluster
    ipFamilies:
    - IPv4
    ipFamilyPolicy: SingleStack
    ports:
    - name: http
      port: 80
      protocol: TCP
      targetPort: http
    selector:
      app: app-${i}
    sessionAffinity: None
    type: ClusterIP
  status:
    loadBalancer: {}
`

const podYaml = (i: number, n: number): string => `- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      kubernetes.io/config.seen: "2026-03-01T10:11:12.345678901Z"
      prometheus.io/scrape: "true"
    creationTimestamp: "2026-03-01T10:11:12Z"
    generateName: app-${Math.floor(i / 20)}-7c5ddbdf54-
    labels:
      app: app-${Math.floor(i / 20)}
      pod-template-hash: 7c5ddbdf54
    name: app-${Math.floor(i / 20)}-7c5ddbdf54-${i}
    namespace: default
    ownerReferences:
    - apiVersion: apps/v1
      blockOwnerDeletion: true
      controller: true
      kind: ReplicaSet
      name: app-${Math.floor(i / 20)}-7c5ddbdf54
      uid: ${uid(i)}
    resourceVersion: "${3000 + i}"
    uid: ${uid(i)}
  spec:
    containers:
    - env:
      - name: POD_NAME
        valueFrom:
          fieldRef:
            apiVersion: v1
            fieldPath: metadata.name
      - name: LOG_LEVEL
        value: info
      image: registry.example.com/team/app:1.2.${i}
      imagePullPolicy: IfNotPresent
      livenessProbe:
        failureThreshold: 3
        httpGet:
          path: /healthz
          port: http
          scheme: HTTP
        periodSeconds: 10
        successThreshold: 1
        timeoutSeconds: 1
      name: app
      ports:
      - containerPort: 8080
        name: http
        protocol: TCP
      resources:
        limits:
          memory: 256Mi
        requests:
          cpu: 100m
          memory: 128Mi
      terminationMessagePath: /dev/termination-log
      terminationMessagePolicy: File
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access-x7k2m
        readOnly: true
    dnsPolicy: ClusterFirst
    enableServiceLinks: true
    nodeName: worker-${n}
    preemptionPolicy: PreemptLowerPriority
    priority: 0
    restartPolicy: Always
    schedulerName: default-scheduler
    securityContext: {}
    serviceAccount: default
    serviceAccountName: default
    terminationGracePeriodSeconds: 30
    tolerations:
    - effect: NoExecute
      key: node.kubernetes.io/not-ready
      operator: Exists
      tolerationSeconds: 300
    - effect: NoExecute
      key: node.kubernetes.io/unreachable
      operator: Exists
      tolerationSeconds: 300
    volumes:
    - name: kube-api-access-x7k2m
      projected:
        defaultMode: 420
        sources:
        - serviceAccountToken:
            expirationSeconds: 3607
            path: token
        - configMap:
            items:
            - key: ca.crt
              path: ca.crt
            name: kube-root-ca.crt
  status:
    conditions:
    - lastProbeTime: null
      lastTransitionTime: "2026-03-01T10:11:12Z"
      status: "True"
      type: Initialized
    - lastProbeTime: null
      lastTransitionTime: "2026-03-01T10:11:20Z"
      status: "True"
      type: Ready
    containerStatuses:
    - containerID: containerd://3f1c${i}
      image: registry.example.com/team/app:1.2.${i}
      imageID: registry.example.com/team/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      lastState: {}
      name: app
      ready: true
      restartCount: 0
      started: true
      state:
        running:
          startedAt: "2026-03-01T10:11:19Z"
    hostIP: 10.0.0.${n + 10}
    phase: Running
    podIP: 10.244.${n}.${(i % PODS_PER_NODE) + 2}
    podIPs:
    - ip: 10.244.${n}.${(i % PODS_PER_NODE) + 2}
    qosClass: Burstable
    startTime: "2026-03-01T10:11:12Z"
`
