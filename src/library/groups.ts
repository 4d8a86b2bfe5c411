import type { Localized } from './entry.ts'

/** A heading of the list of scenarios. */
export interface LibraryGroup {
  readonly id: string
  readonly title: Localized
}

export const SERVICES: LibraryGroup = { id: 'services', title: { en: 'Services', zh: 'Service' } }
export const INSIDE_A_POD: LibraryGroup = { id: 'inside-a-pod', title: { en: 'Inside a pod', zh: 'Pod 内部' } }
export const POD_TO_POD: LibraryGroup = { id: 'pod-to-pod', title: { en: 'Pod to pod', zh: 'Pod 到 Pod' } }
export const INTO_THE_CLUSTER: LibraryGroup = { id: 'into-the-cluster', title: { en: 'Into the cluster', zh: '进入集群' } }
export const DNS: LibraryGroup = { id: 'dns', title: { en: 'Names', zh: '域名解析' } }
export const LEAVING_THE_CLUSTER: LibraryGroup = {
  id: 'leaving-the-cluster',
  title: { en: 'Leaving the cluster', zh: '离开集群' },
}
export const BROKEN: LibraryGroup = { id: 'broken', title: { en: 'It does not arrive', zh: '为什么不通' } }
