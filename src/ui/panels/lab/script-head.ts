/** What a lab script says of itself in its head. */
export interface ScriptHead {
  /** Programs that must be there. */
  readonly needs: readonly string[]
  readonly needsBridgeNf: boolean
  /** Parts of the scenario that it leaves out. */
  readonly leftOut: readonly string[]
  /** Namespaces that it makes. */
  readonly namespaces: number
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter(Boolean)

/** The script is the one source: what the dialog says is read from it. */
export function headOf(script: string): ScriptHead {
  return {
    needs: words(/^NEEDS=\((.*)\)$/m.exec(script)?.[1]),
    needsBridgeNf: /^NEEDS_BRIDGE_NF=1$/m.test(script),
    leftOut: [...script.matchAll(/^# Not modelled here, left out: (.*)$/gm)].flatMap((m) => m[1] ?? []),
    namespaces: words(/^NAMESPACES=\((.*)\)$/m.exec(script)?.[1]).length,
  }
}

/** `Pod to Service, backend on another node` → `hopscope-pod-to-service-backend-on-another-node.sh` */
export function fileNameOf(title: string): string {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return `hopscope-${slug === '' ? 'lab' : slug}.sh`
}
