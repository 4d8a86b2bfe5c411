/** Who made a record, and for which Kubernetes object: what the page shows as provenance. */
export interface Origin {
  readonly component:
    | 'kernel'
    | 'kubelet'
    | 'kube-proxy'
    | 'control-plane'
    | 'cni'
    | 'cloud'
    | 'fabric'
    | 'runtime'
    | 'user'
    | 'import'
  readonly object?: { readonly kind: string; readonly namespace?: string; readonly name: string }
  /** A field, a rule's purpose or a file and line, in the component's own terms: `spec.podCIDR`, `kubernetesServicesChain`. */
  readonly detail?: string
}
