import type { Catalogue } from './catalogue.ts'
import { zhDns } from './zh-dns.ts'
import { zhIpvs } from './zh-ipvs.ts'
import { zhPlaces } from './zh-places.ts'
import { zhReasons, zhRoles } from './zh-rules.ts'
import { zhStack } from './zh-stack.ts'
import { zhVerdict } from './zh-verdict.ts'

export const zh: Catalogue = {
  space: '',
  roles: zhRoles,
  reasons: zhReasons,
  facts: { ...zhPlaces, ...zhStack, ...zhIpvs, ...zhDns },
  ...zhVerdict,
}
