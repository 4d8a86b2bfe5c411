import type { Language } from '../../../scenario/document.ts'

// Words of this dialog alone: they come with it, not with the page.

const en = {
  what: 'One bash script that builds this cluster’s network from real Linux namespaces, veths, bridges and iptables, with the same addresses and MACs, runs the commands in it with tcpdump on every device, and keeps captures and tables in a folder. It touches nothing outside the namespaces that it makes, and removes them when it ends.',
  making: 'Writing the script …',
  failed: 'The script could not be written.',
  needs: 'It needs',
  root: 'Linux, root and',
  makes: 'It makes',
  namespaces: (n: number) => `${n} network ${n === 1 ? 'namespace' : 'namespaces'}, gone when it ends`,
  leftOut: 'Left out',
  check: 'says what this machine lacks, and does nothing else',
  run: 'runs everything; results are in ./hopscope-lab',
  keep: 'leaves the namespaces standing, and says how to enter them',
  script: 'The script',
  lines: (n: string) => `${n} lines`,
  download: 'Download',
  copyRefused: 'Copy it from below',
}

type LabWords = typeof en

const zh: LabWords = {
  what: '一个 bash 脚本：用真实的 Linux 命名空间、veth、网桥和 iptables 搭建此集群的网络，地址和 MAC 都相同；在每个设备上用 tcpdump 抓包并运行其中的命令，把抓包和各表保存到一个文件夹。它不会触碰自己创建的命名空间以外的任何东西，结束时会将其删除。',
  making: '正在生成脚本…',
  failed: '无法生成脚本。',
  needs: '需要',
  root: 'Linux、root 权限，以及',
  makes: '创建',
  namespaces: (n) => `${n} 个网络命名空间，结束时删除`,
  leftOut: '未包含',
  check: '只检查本机缺少什么，不做其他事',
  run: '全部运行；结果在 ./hopscope-lab 中',
  keep: '保留命名空间，并说明如何进入',
  script: '脚本',
  lines: (n) => `${n} 行`,
  download: '下载',
  copyRefused: '请从下方复制',
}

export const LAB_WORDS: Readonly<Record<Language, LabWords>> = { en, zh }
