import { KernelMap } from '../panels/kernel-map/kernel-map.tsx'
import { useStageProps } from './stage-props.ts'

/** The netfilter chart, connected to the store. */
export default function KernelMapMount() {
  return <KernelMap {...useStageProps()} />
}
