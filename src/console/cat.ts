import { type ConsoleCommand, printed } from './command.ts'
import { sysctlValue } from './sysctl.ts'

/** Files of /proc/sys/net, how people read a sysctl without sysctl, and those that programs read names from: /etc/resolv.conf, /etc/hosts. */
export const cat: ConsoleCommand = {
  names: ['cat'],
  usage: 'cat /etc/resolv.conf, /etc/hosts, /proc/sys/net/…',
  run({ view, netns, args }) {
    if (args.length === 0) return printed('')
    let stdout = ''
    let stderr = ''
    for (const path of args) {
      const key = path.startsWith('/proc/sys/') ? path.slice('/proc/sys/'.length).replaceAll('/', '.') : ''
      const value = key === '' ? undefined : sysctlValue(view, netns, key)
      const file = view.list('file', netns).find((f) => f.path === path)
      if (file !== undefined) stdout += file.content
      else if (value === undefined) stderr += `cat: ${path}: No such file or directory\n`
      else stdout += `${value}\n`
    }
    return { stdout, stderr, exitCode: stderr === '' ? 0 : 1 }
  },
}
