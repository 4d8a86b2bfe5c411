import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { DNS_CASES } from '../lab/testing/dns-cases.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { TraceReader } from '../trace/reader.ts'
import { Timeline } from '../trace/timeline.ts'
import { parseAsked, parseSaid } from './dns-story.ts'
import { explainStep, explainVerdict } from './explain.ts'
import { plain } from './sentence.ts'

/** A scenario's sentences: of the steps of processes and timers in order, and of its verdicts. */
function told(id: string) {
  const document = [...LIBRARY, ...DNS_CASES].find((e) => e.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  const timeline = new Timeline(reader)
  const steps = (lang: 'en' | 'zh') =>
    Array.from({ length: reader.length }, (_, s) => s)
      .filter((s) => ['process', 'timer', 'ct.change'].includes(reader.step(s).kind))
      .map((s) => plain(explainStep(reader, timeline, s, lang)))
  return { steps, verdict: (n: number, lang: 'en' | 'zh' = 'en') => plain(explainVerdict(reader, timeline, n, lang)) }
}

describe('a lookup is told as the resolver goes about it', () => {
  it('says why the search list comes first, which of its names is asked for, and what comes next', () => {
    const steps = told('ndots-storm').steps('en')
    expect(steps).toContain(
      'curl looks up api.example.com. With 2 dots, fewer than ndots:5 of its resolv.conf, it is tried with each suffix of the search list first (default.svc.cluster.local, svc.cluster.local, cluster.local), and as it is last of all.',
    )
    expect(steps).toContain(
      'curl asks 10.96.0.10 for the A record of api.example.com.svc.cluster.local (with suffix 2 of 3 in the search list, svc.cluster.local).',
    )
    expect(steps).toContain(
      'curl gets its answer: there is no name api.example.com.svc.cluster.local (NXDOMAIN). The resolver goes on to api.example.com.cluster.local.',
    )
    expect(steps).toContain(
      'curl gets its answer: there is no name api.example.com.cluster.local (NXDOMAIN). The resolver goes on to api.example.com.',
    )
    expect(steps).toContain(
      'curl looks up api.example.com., with a dot at its end: the name is complete, and the search list is left alone.',
    )
  })

  it('says that an answer comes out of the cache, and how long it may stay there', () => {
    const { steps } = told('ndots-storm')
    expect(steps('en').join('\n')).toMatch(
      /coredns answers: api\.example\.com has the address \S+\. It has that in its cache, for \d+ seconds more\./,
    )
    expect(steps('zh').join('\n')).toMatch(/coredns 回答：api\.example\.com 的地址是 \S+。这来自它的缓存，还可保留 \d+ 秒。/)
  })

  it('follows an alias, and a delegation from the root down', () => {
    const steps = told('external-name').steps('en')
    expect(steps).toContain(
      'curl gets its answer: database.default.svc.cluster.local is an alias (CNAME) of db.example.com, which has the address 198.51.100.10.',
    )
    expect(steps).toContain(
      'nsd answers: it does not know db.example.com itself, and refers to the servers of com (a delegation).',
    )
    expect(steps).toContain(
      'pdns_recursor does not know, and asks 198.51.100.242, a server of com, for the A record of db.example.com.',
    )
  })

  it('says that an answer was cut, and that the same is asked for again over TCP', () => {
    const { steps } = told('names-over-tcp')
    const en = steps('en').join('\n')
    expect(en).toMatch(/has the addresses (\S+, ){3}\S+ and \d+ more\. Not all of it fits into a datagram \(TC\)/)
    expect(en).toContain(
      'dig asks 10.96.0.10, over TCP, for the A record of many.default.svc.cluster.local. Once more, for the answer did not fit into a datagram.',
    )
    // Both questions of a resolver that asks over TCP alone are in one segment, and told apart in the answers.
    expect(en).toContain('curl gets its answer: web.default.svc.cluster.local has the address 10.96.0.80.')
    expect(en).toContain('curl gets its answer: web.default.svc.cluster.local exists, but has no AAAA record.')
    expect(steps('zh').join('\n')).toContain('通过 TCP 向 10.96.0.10 查询')
  })

  it('knows the search list of nslookup too, which asks without a resolver', () => {
    expect(told('names-nslookup').steps('en')).toContain(
      'nslookup asks 10.96.0.10 for the A record of web.default.svc.cluster.local (with suffix 1 of 3 in the search list, default.svc.cluster.local).',
    )
  })

  it('says that nobody answered, and that the same is asked once more', () => {
    const { steps, verdict } = told('dns-silent')
    expect(steps('en')).toContain('curl has waited 5 s for an answer, in vain. Nobody tells it that a datagram was lost.')
    expect(steps('en').join('\n')).toContain('Once more: in time no answer had come.')
    expect(verdict(0)).toContain('The resolver asked 8 questions in 20 s.')
    expect(verdict(0, 'zh')).toContain('解析器在 20 秒内查询了 8 次。')
  })
})

describe('a verdict says what the name cost', () => {
  it('counts the names of the search list that do not exist, and says what would spare them', () => {
    const { verdict } = told('ndots-storm')
    expect(verdict(0)).toContain('It took 8 questions: 3 names made with the search list do not exist')
    expect(verdict(1)).not.toContain('search list')
  })

  it('tells the refusal of a Service without endpoints from silence', () => {
    expect(told('dns-down').verdict(0)).toMatch(/4 questions in \d+ \S+, and each was refused: the resolver gave up\.$/)
  })

  it('finds the packet that the conntrack race lost, and says what becomes of the later entry on each kernel', () => {
    const { steps, verdict } = told('dns-conntrack-race')
    expect(verdict(0)).toContain('It took 5 s, for a question was lost and the resolver waits before it asks again.')
    expect(verdict(0)).toContain('It cannot be resolved here: the packet is dropped, and nobody is told.')
    expect(verdict(1)).not.toContain('It took')
    expect(steps('en').join('\n')).toContain(
      'Of its two questions only AAAA was answered: both are asked again, one after the other.',
    )
    expect(steps('zh').join('\n')).toContain('因此这个条目仅为回复方向保留一秒')
  })
})

describe('what processes said of their messages', () => {
  it('is read back: a question, one to another server, one that came', () => {
    expect(parseAsked('A? web.')).toEqual({ type: 'A', name: 'web.', tcp: false })
    expect(parseAsked('AAAA? db.example.com. to 198.51.100.53')).toEqual({
      type: 'AAAA',
      name: 'db.example.com.',
      to: '198.51.100.53',
      tcp: false,
    })
    expect(parseAsked('A? web. from 10.244.1.2:37988 over TCP')).toMatchObject({ from: '10.244.1.2:37988', tcp: true })
    expect(parseAsked('GET / HTTP/1.1')).toBeUndefined()
  })

  it('is read back: answers, denials, delegations', () => {
    expect(parseSaid('NOERROR A? web. 2 answers, cached')).toMatchObject({ answers: 2, cached: true, truncated: false })
    expect(parseSaid('NXDOMAIN A? web.')).toMatchObject({ rcode: 'NXDOMAIN', answers: 0 })
    expect(parseSaid('NOERROR A? db.example.com. referral to com. from 198.51.100.241')).toMatchObject({
      referral: 'com.',
      from: '198.51.100.241',
    })
    expect(parseSaid('HTTP/1.1 200 OK')).toBeUndefined()
  })
})
