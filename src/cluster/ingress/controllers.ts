import { listAt } from '../../base/fields.ts'
import type { Container } from '../model.ts'

/** What ingress-nginx calls itself in `IngressClass.spec.controller`, and the AWS Load Balancer Controller. */
export const NGINX_CONTROLLER = 'k8s.io/ingress-nginx'
export const ALB_CONTROLLER = 'ingress.k8s.aws/alb'

const PROGRAM = 'nginx-ingress-controller'

/** `command` and `args` of a container, one after the other, as they are run. */
export const argvOf = (container: unknown): string[] =>
  [...listAt(container, 'command'), ...listAt(container, 'args')].flatMap((w) => (typeof w === 'string' ? [w] : []))

/** The command line of a container that is an ingress controller (by its command, or by its image), else undefined. */
export function ingressController(c: Container): readonly string[] | undefined {
  const words = c.argv ?? []
  const at = words.findIndex((w) => w.slice(w.lastIndexOf('/') + 1) === PROGRAM)
  if (at >= 0) return [PROGRAM, ...words.slice(at + 1)]
  return /(^|\/)(ingress-nginx\/controller|nginx-ingress-controller)(-[a-z0-9]+)?[:@]/.test(`${c.image ?? ''}:`)
    ? [PROGRAM, ...words.filter((w) => w.startsWith('-'))]
    : undefined
}

/** `--http-port`, 80 by default. What else the container names (https, metrics, the webhook) speaks TLS or to no user. */
export function ingressPort(argv: readonly string[]): number {
  const port = Number(/^--http-port=(\d+)$/.exec(argv.find((w) => w.startsWith('--http-port=')) ?? '')?.[1] ?? 80)
  return port >= 1 && port <= 65535 ? port : 80
}
