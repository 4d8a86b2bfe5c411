import { fed, web } from '../../cluster/kube-proxy/testing.ts'

// e2e/kernel/ipvs: kube-proxy's IPVS feed for one Service on a real kernel, and what the tools then print.

export const IPVS_RECORDING = new URL('../../../e2e/kernel/ipvs/recording.txt', import.meta.url)

/** What kube-proxy in IPVS mode feeds to the tools of node1, in the order of its parts, each after a `# TOOL` line. */
export const ipvsFeed = (): string =>
  `${fed(web({ type: 'NodePort' }), { mode: 'ipvs' })
    .join('\n')
    .trimEnd()}\n`

/** One part of the feed. */
export function feedPart(tool: string): string {
  const part = ipvsFeed()
    .split(/^# /m)
    .find((p) => p.startsWith(tool))
  return part === undefined ? '' : part.slice(part.indexOf('\n') + 1)
}
