export { Stage } from './stage.tsx'
export type { StageProps, StageSelection } from './types.ts'
