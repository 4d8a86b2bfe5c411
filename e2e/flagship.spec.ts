import { type EventLine, expect, test, textOf } from './support/page.ts'

/** Places in the order in which a packet first comes to each; staying is no new place. */
const wayOf = (lines: readonly EventLine[]): string[] =>
  lines.filter((l) => l.what.startsWith('enter')).flatMap((l, i, all) => (l.place === all[i - 1]?.place ? [] : [l.place]))

/** Each pattern is met, one after the other, in this order. */
function expectInOrder(lines: readonly EventLine[], patterns: readonly RegExp[]): void {
  let at = 0
  for (const pattern of patterns) {
    const found = lines.findIndex((l, i) => i >= at && pattern.test(`${l.place}: ${l.what}`))
    expect(found, `${pattern} comes after step ${at} of the packet`).toBeGreaterThanOrEqual(0)
    at = found + 1
  }
}

test.describe('the flagship: a pod asks a Service whose backend is on another node', () => {
  test('opens by default, with the run there and the diagram drawn', async ({ page, hop }) => {
    await hop.open()
    await expect(hop.title).toHaveText('Pod to Service, backend on another node')
    await expect(page).toHaveTitle(/Pod to Service/)
    expect(await hop.length()).toBeGreaterThan(500)
    const drawing = page.getByRole('region', { name: 'Network of the cluster' })
    for (const name of ['node1', 'node2', 'cbr0', 'PREROUTING', 'POSTROUTING', 'eth0']) {
      await expect(drawing.getByRole('button', { name: new RegExp(name) }).first()).toBeVisible()
    }
    expect(await hop.outcome()).toContain('Hostname: web-a')
  })

  test('the request reads, hop for hop, from the pod through DNAT to the backend', async ({ hop }) => {
    await hop.open()
    await hop.button(/^SYN(?! ACK)/).click()
    const lines = await hop.readEvents()
    const way = wayOf(lines)
    expect(way.map((p) => p.replace(/veth\w+/, 'veth'))).toEqual([
      'pod/client stack',
      'pod/client eth0',
      'node1 veth',
      'node1 cbr0',
      'node1 stack',
      'node1 eth0',
      'fabric node1',
      'fabric br0',
      'fabric node2',
      'node2 eth0',
      'node2 stack',
      'node2 cbr0',
      'node2 veth',
      'pod/web-a eth0',
      'pod/web-a stack',
    ])
    expectInOrder(lines, [
      /^pod\/client stack: route .*10\.96\.0\.10.*via 10\.244\.1\.1/,
      /^node1 cbr0: hook PREROUTING/,
      /^node1 cbr0: rule PREROUTING .*KUBE-SERVICES/,
      /^node1 cbr0: rule KUBE-SERVICES .*KUBE-SVC-/,
      /^node1 cbr0: rule KUBE-SVC-\w+ .*KUBE-SEP-/,
      /^node1 cbr0: rule KUBE-SEP-\w+ .*DNAT/,
      /^node1 cbr0: rewrite ip\.dst 10\.96\.0\.10 → 10\.244\.2\.2/,
      /^node1 cbr0: rewrite l4\.dport 80 → 8080/,
      /^node1 .*: route .*10\.244\.2\.2: 10\.244\.2\.0\/24 via 192\.168\.1\.12/,
      /^node1 stack: hook FORWARD/,
      /^node1 stack: hook POSTROUTING/,
      /^node1 eth0: depart to fabric/,
      /^node2 stack: route .*10\.244\.2\.0\/24 dev cbr0/,
      /^node2 cbr0: bridge forward/,
      /^pod\/web-a stack: deliver to socket tcp 0\.0\.0\.0:8080/,
    ])
  })

  test('the reply reads all the way back, with the cluster IP restored as its source', async ({ hop }) => {
    await hop.open()
    await hop.button(/^SYN ACK/).click()
    const lines = await hop.readEvents()
    expect(wayOf(lines).map((p) => p.replace(/veth\w+/, 'veth'))).toEqual([
      'pod/web-a stack',
      'pod/web-a eth0',
      'node2 veth',
      'node2 cbr0',
      'node2 stack',
      'node2 eth0',
      'fabric node2',
      'fabric br0',
      'fabric node1',
      'node1 eth0',
      'node1 stack',
      'node1 cbr0',
      'node1 veth',
      'pod/client eth0',
      'pod/client stack',
    ])
    expectInOrder(lines, [
      /^node2 .*: conntrack ESTABLISHED_REPLY/,
      /^node1 stack: conntrack ESTABLISHED_REPLY .*10\.96\.0\.10:80/,
      /^node1 stack: route .*10\.244\.1\.0\/24 dev cbr0/,
      /^node1 stack: hook POSTROUTING/,
      /^node1 stack: rewrite ip\.src 10\.244\.2\.2 → 10\.96\.0\.10/,
      /^node1 stack: rewrite l4\.sport 8080 → 80/,
      /^pod\/client stack: deliver to socket tcp 10\.244\.1\.2/,
    ])
  })

  test('plays by itself, stops when it is told to, and stops at the end', async ({ page, hop }) => {
    await hop.open()
    const before = await hop.seq()
    await page.getByRole('combobox', { name: 'Speed' }).selectOption({ label: '8×' })
    await hop.granularity('hop')
    await hop.button('Play').click()
    await expect.poll(() => hop.seq()).toBeGreaterThan(before + 60)
    await hop.button('Pause').click()
    const stopped = await hop.seq()
    await expect(hop.button('Play')).toBeVisible()
    await hop.granularity('step')
    await hop.seek((await hop.length()) - 12)
    expect(await hop.seq()).toBeGreaterThan(stopped)
    await hop.button('Play').click()
    await expect(hop.scrubber).toHaveValue(String((await hop.length()) - 1))
    await expect(hop.button('Play')).toBeVisible()
  })

  test('steps forwards and back by hop, step and rule, and comes back to exactly where it was', async ({ page, hop }) => {
    await hop.open()
    const start = await hop.goTo('rule PREROUTING KUBE-SERVICES')
    const walk = async (granularity: 'hop' | 'step' | 'rule') => {
      await hop.seek(start)
      await hop.granularity(granularity)
      await hop.button('Forward one').click()
      return hop.seq()
    }
    const [rule, step, byHop] = [await walk('rule'), await walk('step'), await walk('hop')]
    expect(rule, 'rule by rule halts at the next rule').toBe(start + 1)
    expect(step, 'a step passes the rules that only jump').toBeGreaterThan(rule)
    expect(byHop, 'a hop goes to where the packet leaves the bridge').toBeGreaterThan(step)

    await hop.granularity('step')
    await hop.seek(start)
    const told: string[] = []
    for (let i = 0; i < 8; i++) {
      await hop.button('Forward one').click()
      told.push(await textOf(hop.sentence))
    }
    expect(new Set(told).size, 'every halt says something of its own').toBeGreaterThan(6)
    for (const sentence of told.slice(0, -1).reverse()) {
      await page.getByRole('toolbar', { name: 'Timeline' }).getByRole('button', { name: 'Back one' }).click()
      await expect(hop.sentence).toHaveText(sentence)
    }
  })

  test('scrubs anywhere and shows the state of that step, whatever way it was reached', async ({ hop }) => {
    await hop.open()
    const last = (await hop.length()) - 1
    await hop.seek(last)
    const neighboursAtEnd = await hop.console('ip neigh', 'node1')
    expect(neighboursAtEnd).toMatch(/192\.168\.1\.12 dev eth0 lladdr \S+ (REACHABLE|STALE|DELAY)/)
    await hop.seek(-1)
    await expect(hop.sentence).toContainText('Before the first step')
    expect(await hop.console('ip neigh')).toBe('')
    await hop.seek(Math.floor(last / 2))
    await hop.seek(last)
    expect(await hop.console('ip neigh')).toBe(neighboursAtEnd)
  })

  test('follows the packets one after the other, the reply too', async ({ page, hop }) => {
    await hop.open()
    await hop.seek(-1)
    const strip = page.getByRole('group', { name: 'Packets', exact: true })
    const current = strip.locator('[aria-current="true"]')
    const heads: string[] = []
    for (let i = 0; i < 11; i++) {
      await page.keyboard.press('.')
      heads.push(await textOf(hop.packet.getByRole('heading', { level: 2 })))
    }
    expect(new Set(heads).size, 'every packet is one of its own').toBe(heads.length)
    expect(heads.at(-1)).toContain('10.244.2.2:8080 > 10.244.1.2')
    await expect(current).toHaveText(/SYN ACK/)
    await page.keyboard.press(',')
    await expect(current).not.toHaveText(/SYN ACK/)

    await hop.button(/^SYN ACK/).click()
    await expect(hop.button(/^SYN ACK/)).toHaveAttribute('aria-pressed', 'true')
    await hop.granularity('hop')
    for (let i = 0; i < 12; i++) await hop.button('Forward one').click()
    await expect(hop.packet.getByRole('heading', { level: 2 }), 'what is followed stays, whatever else moves').toContainText(
      heads.at(-1)?.split(' ')[1] ?? 'Packet',
    )
  })

  test('reads conntrack on node1 at three steps: unreplied, answered, assured', async ({ hop }) => {
    await hop.open()
    const entry = hop.tables.getByRole('tabpanel').getByRole('listitem')

    await hop.goTo('conntrack confirm 10.96.0.10:80')
    await hop.table('conntrack', 'node1')
    await expect(entry).toHaveCount(1)
    await expect(entry).toContainText('SYN_SENT')
    await expect(entry).toContainText('UNREPLIED')
    await expect(entry).toContainText(/original\s*10\.244\.1\.2:\d+ → 10\.96\.0\.10:80/)
    await expect(entry).toContainText(/reply\s*10\.244\.2\.2:8080 → 10\.244\.1\.2:\d+/)
    await expect(entry).toContainText('DNAT')

    await hop.goTo('conntrack update 10.96.0.10:80 SYN_RECV')
    await expect(entry).toContainText('SYN_RECV')
    await expect(entry).not.toContainText('UNREPLIED')
    await expect(entry).not.toContainText('ASSURED')
    await expect(entry).toContainText('expires in 60 s')

    await hop.goTo('conntrack update 10.96.0.10:80 ESTABLISHED')
    await expect(entry).toContainText('ESTABLISHED')
    await expect(entry).toContainText('ASSURED')
    expect(await hop.console('conntrack -L', 'node1')).toMatch(
      /^tcp\s+6 \d+ ESTABLISHED src=10\.244\.1\.2 dst=10\.96\.0\.10 sport=\d+ dport=80 src=10\.244\.2\.2 dst=10\.244\.1\.2 sport=8080 dport=\d+ \[ASSURED\] mark=0 use=1/m,
    )
  })

  test('counts the rules that the packet walked, and only those', async ({ hop }) => {
    await hop.open()
    const before = await hop.goTo('hook PREROUTING bridged')
    await hop.table('iptables', 'node1')
    const count = async (chain: string, rule: RegExp) => {
      await hop.tables.getByRole('radio', { name: 'All chains' }).check()
      await hop.tables.getByRole('searchbox', { name: 'Find a chain or rule' }).fill(chain)
      const row = hop.tables
        .getByRole('region', { name: new RegExp(`^nat ${chain}`) })
        .first()
        .locator('.rule')
        .filter({ hasText: rule })
      await expect(row).toHaveCount(1)
      return Number(await textOf(row.locator('.rule-count')))
    }
    expect(await count('KUBE-SERVICES', /10\.96\.0\.10\/32/)).toBe(0)
    await hop.goTo('rewrite l4.dport 80')
    expect(await hop.seq()).toBeGreaterThan(before)
    await hop.table('iptables', 'node1')
    expect(await count('KUBE-SERVICES', /10\.96\.0\.10\/32/)).toBe(1)
    expect(await count('KUBE-SERVICES', /KUBE-NODEPORTS/), 'a rule behind the one that matched is never asked').toBe(0)
    const saved = await hop.console('iptables-save -c', 'node1')
    expect(saved).toMatch(/^\[1:60\] -A KUBE-SERVICES -d 10\.96\.0\.10\/32 .*-j KUBE-SVC-/m)
    expect(saved.match(/^\[1:60\] -A KUBE-SEP-\w+ .*-j DNAT/gm), 'one endpoint of the two was chosen').toHaveLength(1)
    expect(saved.match(/^\[0:0\] -A KUBE-SEP-\w+ .*-j DNAT/gm)).toHaveLength(1)
  })

  test('says why: the Service, the rewrite, and who made the rule', async ({ hop }) => {
    await hop.open()
    await hop.granularity('step')
    await hop.goTo('rule KUBE-SEP DNAT')
    await expect(hop.sentence).toContainText('Service default/web')
    await expect(hop.sentence).toContainText('10.244.2.2:8080')
    await expect(hop.sentence).toContainText('web-a')
    await hop.goTo('nat dst rule')
    await expect(hop.sentence.locator('del')).toHaveText('10.96.0.10:80')
    await expect(hop.sentence.locator('ins')).toHaveText('10.244.2.2:8080')
    await hop.goTo('rule KUBE-SERVICES KUBE-SVC')
    await hop.sentence
      .getByRole('button', { name: /default\/web|Service/ })
      .first()
      .click()
    await expect(hop.tables.getByRole('tab', { name: /^Objects/ })).toHaveAttribute('aria-selected', 'true')
    await expect(hop.tables.getByRole('tabpanel')).toContainText(/clusterIP: "?10\.96\.0\.10/)
    const outcome = await hop.outcome()
    expect(outcome).toContain('answered')
    expect(outcome).toMatch(/Service default\/web.*10\.96\.0\.10:80 → 10\.244\.2\.2:8080/s)
  })
})
