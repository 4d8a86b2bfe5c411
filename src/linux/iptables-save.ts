// iptables' text, both ways. The parts are in iptables/: words, one rule, the whole ruleset, printing.
export { type ParseOptions, parseIptablesSave } from './iptables/parse.ts'
export { formatSpec } from './iptables/print-rule.ts'
export { emptyRuleset, type ParsedChain, type ParsedIptables, type ParsedRule, type ParsedTable } from './iptables/ruleset.ts'
export { printIptablesSave, type SaveOptions, toRecords } from './iptables/save.ts'
