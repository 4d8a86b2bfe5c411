// iptables' text, both ways. The parts are in iptables/: words, one rule, the whole ruleset, printing.
export { parseIptablesSave } from './iptables/parse.ts'
export { formatSpec } from './iptables/print-rule.ts'
export { printIptablesSave, toRecords } from './iptables/save.ts'
