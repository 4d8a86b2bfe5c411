export { KernelMap, type KernelMapProps } from './kernel-map.tsx'
