import type { Catalogue } from './catalogue.ts'
import { enDns } from './en-dns.ts'
import { enIpvs } from './en-ipvs.ts'
import { enPlaces } from './en-places.ts'
import { enReasons, enRoles } from './en-rules.ts'
import { enStack } from './en-stack.ts'
import { enVerdict } from './en-verdict.ts'

export const en: Catalogue = {
  space: ' ',
  roles: enRoles,
  reasons: enReasons,
  facts: { ...enPlaces, ...enStack, ...enIpvs, ...enDns },
  ...enVerdict,
}
