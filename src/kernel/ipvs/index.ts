export { Ipvs, type IpvsRecords } from './ip-vs.ts'
