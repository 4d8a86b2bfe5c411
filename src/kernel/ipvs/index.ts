export { Ipvs } from './ip-vs.ts'
