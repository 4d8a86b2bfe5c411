import { WORDS_EN, WORDS_ZH, type Words } from '../../../diagram/figure.ts'

export interface StageWords extends Words {
  readonly drawing: string
  readonly view: string
  readonly fit: string
  readonly zoomIn: string
  readonly zoomOut: string
  readonly follow: string
  readonly list: string
  readonly waitsFor: string
  readonly dropped: string
  readonly undetermined: string
  readonly at: string
  readonly packet: string
  readonly nothing: string
}

const en: StageWords = {
  ...WORDS_EN,
  drawing: 'Network of the cluster',
  view: 'View of the diagram',
  fit: 'Show everything',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  follow: 'Keep the packet in view',
  list: 'Machines, pods and devices',
  waitsFor: 'waits for',
  dropped: 'dropped',
  undetermined: 'undetermined',
  at: 'at',
  packet: 'packet',
  nothing: 'No packet is on its way yet',
}

const zh: StageWords = {
  ...WORDS_ZH,
  drawing: '集群网络图',
  view: '视图控制',
  fit: '显示全部',
  zoomIn: '放大',
  zoomOut: '缩小',
  follow: '跟随数据包',
  list: '主机、Pod 与设备',
  waitsFor: '等待',
  dropped: '已丢弃',
  undetermined: '无法判定',
  at: '位于',
  packet: '数据包',
  nothing: '还没有数据包',
}

export const stageWords = (lang: 'en' | 'zh'): StageWords => (lang === 'zh' ? zh : en)
