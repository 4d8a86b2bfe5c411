import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLUSTER, KUBECTL, NODE_TABLES } from './support/inputs.ts'
import { expect, type Hopscope, test } from './support/page.ts'

/** Something of one's own is open, somewhere in its middle: that is what must survive bad input. */
async function openAndMove(hop: Hopscope): Promise<void> {
  await hop.open()
  await hop.pick('Pod to the Internet')
  await hop.seek(77)
}

async function expectUntouched(hop: Hopscope): Promise<void> {
  await expect(hop.title).toHaveText('Pod to the Internet')
  await expect(hop.scrubber).toHaveValue('77')
  await expect(hop.failure).toContainText('What was open is still here.')
}

test.describe('opening what one has', () => {
  test('a pasted document opens and runs', async ({ page, hop }) => {
    await hop.open()
    await hop.paste(CLUSTER)
    await expect(hop.title).toHaveText('Two pods, one node')
    expect(await hop.outcome()).toContain('1 packets transmitted, 1 received')
    await expect(
      page
        .getByRole('region', { name: 'Network of the cluster' })
        .getByRole('button', { name: /\bworker\b/ })
        .first(),
    ).toBeVisible()
    await expect(page).toHaveURL(/#d1\./)
  })

  test('a file dropped anywhere on the page opens', async ({ hop }) => {
    await hop.open()
    await expect(hop.button(/^SYN(?! ACK)/)).toBeVisible()
    await hop.dropFiles([{ name: 'mine.yaml', text: CLUSTER }])
    await expect(hop.title).toHaveText('Two pods, one node')
  })

  test('a chosen file opens, and the editor has its text', async ({ page, hop }) => {
    await hop.open()
    await hop.button('Open a cluster').click()
    await page
      .getByRole('dialog')
      .locator('input[type=file]')
      .setInputFiles({ name: 'mine.yaml', mimeType: 'text/yaml', buffer: Buffer.from(CLUSTER) })
    await expect(hop.title).toHaveText('Two pods, one node')
    await hop.button('Edit cluster').click()
    await expect(page.getByRole('dialog').getByRole('textbox', { name: 'Scenario document, YAML' })).toContainText(
      'Two pods, one node',
    )
  })

  test('what kubectl get -o yaml printed opens, with its noise, and a command is then composed in it', async ({ hop }) => {
    await hop.open()
    await hop.paste(KUBECTL)
    await expect(hop.title).not.toHaveText('Pod to Service, backend on another node')
    await hop.table('Objects')
    await expect(hop.tables.getByRole('tabpanel')).toContainText('shop/cart')
    await hop.run('pod/shop/cart-7d4b9-x2x7p', 'curl http://10.43.7.21:8080/')
    await expect.poll(() => hop.outcome()).toContain('Hostname: stock-5c6f8-9kq2d')
    await hop.goTo('rule KUBE-SEP DNAT')
    await expect(hop.sentence).toContainText('Service shop/stock')
  })
})

test.describe('input that is wrong: file, path and line are said, and what was open stays', () => {
  const bad: readonly { readonly name: string; readonly text: string; readonly says: readonly RegExp[] }[] = [
    {
      name: 'text that is not YAML',
      text: 'hopscope: 1\n\tobjects: []\n',
      says: [/mine\.yaml, line 2/, /tab/i],
    },
    {
      name: 'a field with a value that nobody knows',
      text: CLUSTER.replace('plugin: bridge', 'plugin: brigde'),
      says: [/mine\.yaml, line 3/, /cluster\.network\.plugin/, /found "brigde"; expected one of bridge/],
    },
    {
      name: 'a field that there is not',
      text: CLUSTER.replace('journeys:', 'journies:'),
      says: [/mine\.yaml, line 8/, /journies/, /unknown field; expected one of/],
    },
    {
      name: 'a pod on a node that does not exist',
      text: CLUSTER.replace('nodeName: worker, containers: [ { name: b }', 'nodeName: worker2, containers: [ { name: b }'),
      says: [/mine\.yaml, line 7/, /objects\[2\]\.spec\.nodeName/, /node "worker2", which does not exist; expected worker/],
    },
    {
      name: 'two pods with one address',
      text: CLUSTER.replace('10.244.7.3 }', '10.244.7.2 }'),
      says: [/mine\.yaml, line 7/, /objects\[2\]\.status\.podIP/, /10\.244\.7\.2 is the address of pod default\/a/],
    },
    {
      name: 'a command from a place that there is not',
      text: CLUSTER.replace('from: pod/a', 'from: pod/aa'),
      says: [/mine\.yaml, line 9/, /journeys\[0\]\.from/, /there is no place "pod\/aa"; expected/],
    },
    {
      name: 'a document of a newer version',
      text: CLUSTER.replace('hopscope: 1', 'hopscope: 7'),
      says: [/mine\.yaml, line 1/, /written by a newer Hopscope/],
    },
    { name: 'text that is nothing of ours', text: 'Dear diary,\n\ntoday the network was slow again.\n', says: [/mine\.yaml/] },
    { name: 'nothing at all', text: '\n\n', says: [/mine\.yaml/] },
  ]
  for (const { name, text, says } of bad) {
    test(name, async ({ hop }) => {
      await openAndMove(hop)
      await hop.dropFiles([{ name: 'mine.yaml', text }])
      await expect(hop.failure).toContainText('This could not be opened')
      for (const part of says) await expect(hop.failure).toContainText(part)
      await expectUntouched(hop)
      await hop.button('Dismiss').click()
      await expect(hop.failure).toBeHidden()
      await hop.button('Forward one').click()
      await expect(hop.scrubber).not.toHaveValue('77')
    })
  }

  test('the refused text is not lost: it is mended in the editor and then opens', async ({ page, hop }) => {
    await openAndMove(hop)
    await hop.paste(CLUSTER.replace('plugin: bridge', 'plugin: brigde'))
    await expect(hop.failure).toContainText(/pasted text, line 3/)
    await hop.failure.getByRole('button', { name: 'Mend it in the editor' }).click()
    const dialog = page.getByRole('dialog', { name: 'Edit cluster' })
    const text = dialog.getByRole('textbox', { name: 'Scenario document, YAML' })
    await expect(text).toContainText('brigde')
    await expect(dialog.getByRole('status')).toContainText('1 problem')
    await dialog.getByRole('button', { name: /3: cluster\.network\.plugin/ }).click()
    await text.fill(CLUSTER)
    await expect(dialog.getByRole('status')).toContainText('Valid')
    await dialog.getByRole('button', { name: /^Run it/ }).click()
    await expect(dialog).toBeHidden()
    await expect(hop.title).toHaveText('Two pods, one node')
    await expect(hop.failure).toBeHidden()
  })

  test('nothing pasted, nothing opened', async ({ page, hop }) => {
    await hop.open()
    await hop.button('Open a cluster').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Open', exact: true }).click()
    await expect(dialog.getByRole('alert')).toContainText('Paste something first')
    await page.keyboard.press('Escape')
    await expect(dialog).toBeHidden()
  })
})

test.describe('text of strangers stays text', () => {
  const PROBE = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>'

  test('markup in titles, labels, images and commands of a document runs nothing', async ({ page, hop }) => {
    await hop.open()
    await hop.paste(
      CLUSTER.replace('Two pods, one node', `'Title ${PROBE}'`)
        .replace(
          'name: a }',
          `name: a, labels: { app: x }, annotations: { note: '${PROBE}', url: 'javascript:globalThis.pwned=1' } }`,
        )
        .replace('{ name: b }', `{ name: b, image: '${PROBE}' }`),
    )
    await expect(hop.title).toContainText('<img src=x')
    await hop.table('Objects')
    for (const object of await hop.tables.getByRole('tabpanel').locator('button.object').all()) await object.click()
    await hop.seek((await hop.length()) - 1)
    await expect(page).toHaveTitle(/<img src=x/)
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false)
    await expect(page.locator('img[src="x"], body script:not([src])')).toHaveCount(0)
  })

  test('names with markup are refused, and the refusal runs nothing either', async ({ page, hop }) => {
    await openAndMove(hop)
    await hop.dropFiles([{ name: `${PROBE.replaceAll('/', '')}.yaml`, text: CLUSTER.replace('name: a }', `name: '${PROBE}' }`) }])
    await expect(hop.failure).toContainText('objects[1].metadata.name')
    await expect(hop.failure).toContainText('<img src=x')
    await expectUntouched(hop)
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false)
  })

  test('markup in a link, in a command and on the console runs nothing', async ({ page, hop }) => {
    await hop.open(`#${encodeURIComponent(PROBE)}`)
    await expect(hop.failure).toContainText('This link could not be opened')
    await hop.button('Dismiss').click()
    await hop.console(PROBE)
    await hop.run('pod/client', `curl -H 'X: ${PROBE.replaceAll('"', '')}' http://10.96.0.10/`)
    await expect(page.locator('.composer')).toBeVisible()
    expect(await page.evaluate(() => 'pwned' in globalThis)).toBe(false)
    await expect(page.locator('img[src="x"]')).toHaveCount(0)
  })
})

test.describe('the composer', () => {
  const commands: readonly { readonly from: string; readonly run: string; readonly prints: RegExp }[] = [
    { from: 'pod/client', run: 'ping -c 2 10.244.2.3', prints: /2 packets transmitted, 2 received/ },
    { from: 'node2', run: 'curl http://10.244.2.2:8080/', prints: /Hostname: web-a/ },
    { from: 'internet', run: 'ping -c 1 -W 1 192.168.1.11', prints: /1 packets transmitted, 0 received|1 received/ },
    { from: 'pod/web-a', run: 'curl --max-time 2 http://10.244.1.2:9/', prints: /curl: \(7\) Failed to connect/ },
    { from: 'pod/client', run: 'echo hello | nc -w 1 10.96.0.10 80', prints: /got its answer/ },
  ]
  test('runs ping, curl and nc between any two places of the open cluster', async ({ hop }) => {
    await hop.open()
    for (const { from, run, prints } of commands) {
      await hop.run(from, run)
      await expect.poll(() => hop.outcome(), run).toContain(run)
      expect(await hop.outcome(), run).toMatch(prints)
    }
  })

  test('offers places and commands while one types', async ({ page, hop }) => {
    await hop.open()
    const from = page.getByRole('combobox', { name: 'Where the command runs' })
    await from.click()
    await expect(page.getByRole('listbox').getByRole('option', { name: /^pod\/web-b/ })).toBeVisible()
    await from.fill('web-a')
    await from.press('ArrowDown')
    await from.press('Enter')
    await expect(from).toHaveValue('pod/web-a')
    const command = page.getByRole('combobox', { name: 'Command to run' })
    await command.fill('ping')
    await page.getByRole('option', { name: /^ping -c 2 10\.244\.1\.2/ }).click()
    await hop.button('Run').click()
    await expect.poll(() => hop.outcome()).toContain('$ ping -c 2 10.244.1.2')
  })

  const refused: readonly { readonly from: string; readonly run: string; readonly says: RegExp }[] = [
    { from: 'pod/client', run: 'traceroute 10.244.2.2', says: /traceroute.*(curl|ping|nc)/ },
    { from: 'pod/client', run: 'ping', says: /ping/ },
    { from: 'pod/client', run: 'curl --no-such-option http://10.96.0.10/', says: /no-such-option/ },
    { from: 'pod/nobody', run: 'ping -c 1 10.244.2.2', says: /there is no place "pod\/nobody"; expected/ },
  ]
  test('says what is wrong with a bad command, and leaves the run that is open', async ({ hop }) => {
    await openAndMove(hop)
    for (const { from, run, says } of refused) {
      await hop.run(from, run)
      await expect(hop.failure, run).toContainText('This could not be run')
      await expect(hop.failure, run).toContainText(says)
      await expectUntouched(hop)
      await hop.button('Dismiss').click()
      await expect(hop.failure).toBeHidden()
    }
  })
})

test.describe('a real node’s own tables', () => {
  test('what a node prints opens, drawn, with a plain word on what is not modelled', async ({ page, hop }) => {
    await hop.open()
    await hop.dropFiles(Object.entries(NODE_TABLES).map(([name, text]) => ({ name, text })))
    const drawing = page.getByRole('region', { name: 'Network of the cluster' })
    await expect(drawing.getByRole('button', { name: /docker0/ }).first()).toBeVisible()
    const notes = page.getByRole('region', { name: 'About this input' })
    await expect(notes).toContainText('A packet that meets one of them ends as undetermined, never as a guess.')
    await notes.getByRole('button', { name: 'Show' }).click()
    await expect(notes.getByRole('listitem').first()).toBeVisible()
    await hop.table('iptables')
    await expect(hop.tables.getByRole('tabpanel')).toContainText('DOCKER')
  })

  // Where the published dumps are not at hand, the node above stands for them.
  const dumps = join(import.meta.dirname, '../../shared/dumps')
  const published = ['flannel-vxlan-3nodes', 'k3s-pi-netbird', 'charmed-k8s-flannel-node']
  for (const folder of published.filter((f) => existsSync(join(dumps, f)))) {
    test(`${folder}: the published dump opens, drawn`, async ({ page, hop }) => {
      const files = readdirSync(join(dumps, folder), { recursive: true, encoding: 'utf8' })
        .filter((f) => /\.(txt|ya?ml|json)$/.test(f) && !f.endsWith('source.json'))
        .map((name) => ({ name: `${folder}/${name}`, text: readFileSync(join(dumps, folder, name), 'utf8') }))
      await hop.open()
      await hop.dropFiles(files)
      const drawing = page.getByRole('region', { name: 'Network of the cluster' })
      await expect(drawing.getByRole('button', { name: /cni0|docker0|flannel/ }).first()).toBeVisible({ timeout: 15_000 })
      await expect(page.getByRole('region', { name: 'About this input' })).toBeVisible()
      await expect(hop.failure).toBeHidden()
    })
  }
})
