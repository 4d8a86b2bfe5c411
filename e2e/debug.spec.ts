import { encodeLink } from '../src/scenario/link.ts'
import { expect, test } from './support/page.ts'

test('a Service that does not answer is debugged check by check, down to the step that proves it', async ({ page, hop }) => {
  await hop.open(await encodeLink({ kind: 'library', id: 'broken-no-endpoints' }))
  await page.keyboard.press('0')
  const panel = await hop.table('Debug')
  const checks = panel.getByRole('listitem')
  await expect(checks).toHaveCount(8)
  await expect(panel.getByRole('status')).toHaveText('Check 3 is the first that fails')
  await expect(checks.nth(0)).toContainText('It exists: type ClusterIP, cluster IP 10.96.0.10.')
  await expect(checks.nth(4)).toContainText('it has app=website, the selector wants app=web')
  await expect(checks.nth(2)).toContainText('curl -sS -m 5 http://10.96.0.10/')
  const proof = checks.nth(2).getByRole('button', { name: /^Go to step \d+, which proves it$/ })
  const step = Number(/\d+/.exec((await proof.textContent()) ?? '')?.[0])
  await proof.click()
  await expect(hop.scrubber).toHaveValue(String(step - 1))
  await expect(hop.why).toContainText('Service default/web has no ready endpoint')
  await expect(checks, 'the report stays while its steps are looked at').toHaveCount(8)
  await checks.nth(4).getByText('Does it have endpoints?').click()
  await expect(checks.nth(4)).toContainText('No resources found in default namespace.')
  await hop.button('Undo').click()
  await expect(page.locator('.strip-journey')).toHaveCount(0)
})

test('a pasted cluster is debugged as well, and from where one likes', async ({ page, hop }) => {
  await hop.open()
  await hop.paste(`apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Node, metadata: { name: n1 }, spec: { podCIDR: 10.244.1.0/24 } }
  - { apiVersion: v1, kind: Pod, metadata: { name: db, labels: { app: db } }, spec: { nodeName: n1, containers: [ { name: db, ports: [ { containerPort: 5432 } ] } ] } }
  - { apiVersion: v1, kind: Pod, metadata: { name: api }, spec: { nodeName: n1, containers: [ { name: api } ] } }
  - { apiVersion: v1, kind: Service, metadata: { name: db }, spec: { selector: { app: db }, ports: [ { port: 5432, targetPort: 5433 } ] } }
`)
  const panel = await hop.table('Debug')
  await expect(panel.getByRole('listitem')).toHaveCount(8)
  await expect(panel).toContainText('Port 5432 leads to 5433/TCP, where nothing listens in pod/db; it listens on 5432.')
  await panel.getByRole('combobox', { name: 'Asked from' }).selectOption('n1')
  await expect(panel.getByRole('listitem').nth(2)).toContainText(/n1 \$ nc -zv -w 3 10\.96\.\d+\.\d+ 5432/)
  await hop.button('Language: English').click()
  await expect(page.getByRole('tabpanel')).toContainText('访问它的 ClusterIP 有应答吗？')
  await expect(page.getByRole('tab', { name: '诊断' })).toHaveAttribute('aria-selected', 'true')
})
