import { Stage } from '../panels/stage/stage.tsx'
import { useStageProps } from './stage-props.ts'

/** The diagram, connected to the store. */
export default function StageMount() {
  return <Stage {...useStageProps()} />
}
