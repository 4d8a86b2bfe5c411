import { useMemo, useState } from 'react'
import { dissect } from '../../../net/dissect.ts'
import { emitDatagram, emitPacket } from '../../../net/emit.ts'
import type { Layer, LayerField } from '../../../net/layer.ts'
import { ETH_P, type Packet } from '../../../net/packet.ts'
import { summarize } from '../../../net/summary.ts'
import { packetAtStep } from '../../../store/playhead.ts'
import type { Session } from '../../../store/session.ts'
import { useApp, useSession } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { placeOf } from '../../place.ts'
import { Hex } from './hex.tsx'
import './packet.css'

interface Dissected {
  readonly bytes: Uint8Array
  readonly layers: readonly Layer[]
}

/**
 * In a stack, a packet whose link-layer header nobody has written yet is an IP datagram and nothing more. On a device it is a
 * frame, also on lo, whose frames have zero addresses.
 */
function dissected(p: Packet, inStack: boolean): Dissected {
  const bare = p.etherType === 0 || (inStack && p.etherType === ETH_P.IP && p.ethSrc === 0 && p.ethDst === 0)
  const bytes = bare ? emitDatagram(p) : emitPacket(p)
  return { bytes, layers: dissect(bytes, bare ? 'ip' : 'ethernet') }
}

interface Shown {
  readonly packet: number
  readonly now: Packet
  readonly before: Dissected
  readonly after: Dissected
  readonly where: string
  readonly mark: number
}

/** The packet at the hop of this step: as it came in, and as it is now. */
function shownAt(session: Session, seq: number, followed: number | undefined, stack: string): Shown | undefined {
  const { reader, hops, packets } = session
  const packet = packetAtStep(session, seq, followed)
  if (packet < 0 || seq < (packets.first[packet] ?? 0)) return undefined
  // The hop of the packet's last step so far; a followed packet may be at rest while others move.
  const mine = packets.seqsOf(packet)
  let last = mine[0] ?? 0
  for (const s of mine) {
    if (s > seq) break
    last = s
  }
  const hop = hops.hopOf(last)
  const first = hop < 0 ? last : (hops.first[hop] ?? last)
  const now = reader.packetAt(packet, seq)
  const came = reader.packetAt(packet, Math.min(first, seq))
  const inStack = hop >= 0 && hops.hop(hop).device === undefined
  const after = dissected(now, inStack)
  return {
    packet,
    now,
    after,
    before: came === now ? after : dissected(came, inStack),
    where: hop < 0 ? '' : placeOf(reader.netnsAt(first), hops.hop(hop).device, stack),
    mark: reader.markAt(packet, seq),
  }
}

const COLOUR: Readonly<Record<Layer['name'], string>> = {
  Ethernet: 'eth',
  ARP: 'arp',
  IPv4: 'ip',
  IPv6: 'ip',
  ICMP: 'icmp',
  TCP: 'tcp',
  UDP: 'tcp',
  VXLAN: 'tcp',
  DNS: 'pay',
  HTTP: 'pay',
  Data: 'pay',
}

/** Fields that say nothing to most readers unless something odd is in them. Shown behind "more". */
const DULL = new Set([
  'dns.flags.opcode',
  'dns.flags.tc',
  'dns.flags.ad',
  'dns.flags.cd',
  'dns.count.queries',
  'dns.count.answers',
  'dns.count.auth_rr',
  'dns.count.add_rr',
  'eth.type',
  'ip.version',
  'ip.hdr_len',
  'ip.tos',
  'ip.len',
  'ip.id',
  'ip.flags',
  'ip.frag_offset',
  'ip.proto',
  'ip.checksum',
  'tcp.hdr_len',
  'tcp.window_size_value',
  'tcp.checksum',
  'tcp.urgent_pointer',
  'udp.length',
  'udp.checksum',
  'icmp.checksum',
])

const isDull = (f: LayerField) => DULL.has(f.name) || f.name.includes('.option')

export default function PacketPanel() {
  const words = usePanelWords()
  const session = useSession()
  const seq = useApp((s) => s.seq)
  const followed = useApp((s) => s.followed)
  const [all, setAll] = useState(false)
  const [lit, setLit] = useState<LayerField | undefined>()
  const shown = useMemo(() => shownAt(session, seq, followed, words.place.stack), [session, seq, followed, words.place.stack])
  if (shown === undefined) {
    return (
      <section className="packet" aria-label={words.stage.packet}>
        <div className="panel-head">
          <h2>{words.packet.none}</h2>
        </div>
        <p className="empty">{words.packet.noneText}</p>
      </section>
    )
  }
  const { before, after } = shown
  const matched = (layer: Layer, field: LayerField): LayerField | undefined => {
    const nth = after.layers.filter((l) => l.name === layer.name && l.quoted === layer.quoted).indexOf(layer)
    const other = before.layers.filter((l) => l.name === layer.name && l.quoted === layer.quoted)[nth]
    return other?.fields.find((f) => f.name === field.name && sameBits(f, field))
  }
  const changed = after.layers.flatMap((layer) =>
    layer.fields.filter((f) => {
      const old = matched(layer, f)
      return old !== undefined && old.value !== f.value
    }),
  )
  return (
    <section className="packet" aria-label={words.stage.packet}>
      <div className="panel-head">
        <h2 title={summarize(shown.now)}>
          {words.stage.packetN(shown.packet)} <span className="mono">{summarize(shown.now)}</span>
        </h2>
      </div>
      <div className="packet-scroll">
        <div className="packet-sub faint">
          <span>{shown.where}</span>
          <span>{words.packet.inOut}</span>
        </div>
        {after.layers.map((layer) => {
          const fields = layer.fields.filter((f) => all || !isDull(f) || (changed.includes(f) && !f.name.endsWith('checksum')))
          return (
            <section
              key={`${layer.name}-${layer.start}`}
              className={layer.quoted ? 'layer layer-quoted' : 'layer'}
              style={{ '--c': `var(--${COLOUR[layer.name]})` } as React.CSSProperties}
              aria-label={layer.quoted ? words.packet.quoted(layer.name) : layer.name}
            >
              <h3>
                {layer.name}
                {layer.malformed === undefined ? null : <span className="was"> {layer.malformed}</span>}
              </h3>
              {fields.map((f) => {
                const old = matched(layer, f)
                const diff = old !== undefined && old.value !== f.value
                return (
                  // biome-ignore lint/a11y/noStaticElementInteractions: hovering lights the bytes; focus on the byte range does it by keyboard
                  <div
                    key={`${f.name}-${f.bits?.offset ?? 0}-${f.start}`}
                    className={`field${diff ? ' field-changed' : ''}${lit === f ? ' field-lit' : ''}`}
                    onMouseEnter={() => setLit(f)}
                    onMouseLeave={() => setLit(undefined)}
                  >
                    <span className="field-label" title={f.label}>
                      {shortName(f)}
                    </span>
                    {diff ? (
                      <>
                        <del title={words.packet.in}>{old.value}</del>
                        <ins title={words.packet.changed}>{f.value}</ins>
                      </>
                    ) : (
                      <span className="field-same">{f.value}</span>
                    )}
                  </div>
                )
              })}
            </section>
          )
        })}
        {shown.mark === 0 ? null : (
          <div className="field packet-mark">
            <span className="field-label">{words.packet.mark}</span>
            <span className="field-same">0x{shown.mark.toString(16)}</span>
          </div>
        )}
        <button type="button" className="ref faint packet-more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? '−' : '+'} {words.app.more}
        </button>
        <Hex bytes={after.bytes} layers={after.layers} colours={COLOUR} changed={changed} lit={lit} onLit={setLit} />
      </div>
    </section>
  )
}

/** `ip.ttl` → `ttl`, `arp.src.proto_ipv4` → `src.proto_ipv4`; where there is no such name, the label. */
const shortName = (f: LayerField) => {
  if (f.name.includes('.option')) return f.name.slice(f.name.lastIndexOf('.') + 1)
  const dot = f.name.indexOf('.')
  const short = f.name.slice(dot + 1)
  return dot < 0 || short.length > 15 ? f.label : (SHORT[short] ?? short)
}
const SHORT: Readonly<Record<string, string>> = { srcport: 'sport', dstport: 'dport', window_size_value: 'window' }

const sameBits = (a: LayerField, b: LayerField) => a.bits?.offset === b.bits?.offset && a.bits?.length === b.bits?.length
