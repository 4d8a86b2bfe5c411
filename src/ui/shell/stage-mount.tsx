import { Stage } from '../panels/stage/stage.tsx'
import { useStageProps } from './stage-props.ts'

/** The diagram, connected to the store. */
export default function StageMount({ tools }: { readonly tools: HTMLElement | null }) {
  return <Stage {...useStageProps()} tools={tools} />
}
