import { formatIpv4 } from '../../../net/address.ts'
import { IPPROTO } from '../../../net/packet.ts'
import type { ConntrackRecord, Tuple } from '../../../world/records.ts'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { type Inspection, useInspection } from '../../inspect.ts'
import { formatSeconds } from '../../time.ts'
import { usedBy } from '../../used.ts'
import { MadeBy } from '../../widgets/record-table.tsx'
import { useShown } from '../../widgets/use-shown.ts'
import './conntrack.css'

const protocolName = (n: number): string =>
  n === IPPROTO.TCP ? 'tcp' : n === IPPROTO.UDP ? 'udp' : n === IPPROTO.ICMP ? 'icmp' : String(n)

const end = (protocol: number, address: number, port: number): string =>
  protocol === IPPROTO.ICMP ? formatIpv4(address) : `${formatIpv4(address)}:${port}`

/** Both tuples of every connection: what it is, and what its replies must look like. */
export default function Conntrack() {
  const words = usePanelWords()
  const inspection = useInspection()
  const used = usedBy(inspection)
  const entries = inspection.view.list('conntrack', inspection.netns)
  if (entries.length === 0) return <p className="empty">{words.panels.emptyConntrack}</p>
  return (
    <ul className="ct-list">
      {[...entries].reverse().map((e) => (
        <Entry key={e.id} entry={e} inspection={inspection} used={used.has(e.id)} />
      ))}
    </ul>
  )
}

function Entry({
  entry,
  inspection,
  used,
}: {
  readonly entry: ConntrackRecord
  readonly inspection: Inspection
  readonly used: boolean
}) {
  const words = usePanelWords()
  const changed = inspection.changed.has(entry.id)
  const selected = inspection.selected === entry.id
  const ref = useShown<HTMLLIElement>(changed, used, selected)
  const { view } = inspection
  const expires = view.cell(entry.id, 'expires')
  const flags = [
    entry.seenReply ? undefined : words.conntrack.unreplied,
    entry.assured ? words.conntrack.assured : undefined,
    entry.confirmed ? undefined : words.conntrack.unconfirmed,
    entry.replyOnly === true ? words.conntrack.replyOnly : undefined,
    entry.dying ? words.conntrack.dying : undefined,
  ].filter((f) => f !== undefined)
  return (
    <li ref={ref} className={`ct${changed ? ' row-changed' : used ? ' row-used' : ''}${selected ? ' row-selected' : ''}`}>
      <div className="ct-head">
        <b>{protocolName(entry.protocol)}</b>
        {entry.tcpState === undefined ? null : <span className="state state-ok">{entry.tcpState}</span>}
        {flags.map((f) => (
          <span key={f} className="state">
            {f}
          </span>
        ))}
        {entry.dstNat ? <span className="state ct-nat">{words.conntrack.dnat}</span> : null}
        {entry.srcNat ? <span className="state ct-nat">{words.conntrack.snat}</span> : null}
        {entry.mark === 0 ? null : <span className="state">mark=0x{entry.mark.toString(16)}</span>}
        <span className="ct-right">
          {expires > 0 ? words.conntrack.expires(formatSeconds(expires - view.now)) : ''}{' '}
          <MadeBy id={entry.id} inspection={inspection} />
        </span>
      </div>
      <TupleLine label={words.conntrack.original} tuple={entry.original} protocol={entry.protocol} mirror={entry.reply} />
      <TupleLine
        label={words.conntrack.reply}
        tuple={entry.reply}
        protocol={entry.protocol}
        mirror={entry.original}
        title={words.conntrack.asSeen}
      />
    </li>
  )
}

/** One direction. An end that the other direction does not mirror was translated: that is what NAT is. */
function TupleLine(props: {
  readonly label: string
  readonly tuple: Tuple
  readonly mirror: Tuple
  readonly protocol: number
  readonly title?: string
}) {
  const { tuple, mirror, protocol } = props
  const icmp = protocol === IPPROTO.ICMP
  const srcMoved = tuple.src !== mirror.dst || (!icmp && tuple.sport !== mirror.dport)
  const dstMoved = tuple.dst !== mirror.src || (!icmp && tuple.dport !== mirror.sport)
  return (
    <div className="ct-tuple" title={props.title}>
      <span className="faint">{props.label}</span>
      <span>
        <span className={srcMoved ? 'ct-moved' : ''}>{end(protocol, tuple.src, tuple.sport)}</span>
        <span className="faint"> → </span>
        <span className={dstMoved ? 'ct-moved' : ''}>{end(protocol, tuple.dst, tuple.dport)}</span>
        {icmp ? <span className="faint"> id={tuple.sport}</span> : null}
      </span>
    </div>
  )
}
