// A session of an administrator in Swagger UI, at a host name other than localhost, where Swagger UI would skip its
// requests to other hosts. Then every operation of the contract with its prefilled values, and the time and memory of
// opening.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { startBrowser, startDesk } from './desk.mjs'
import { caller, prepare } from './docs-fixtures.mjs'
import { measureOpening } from './docs-opening.mjs'
import { executeAll, listOperations, open as openOperation } from './docs-operations.mjs'
import { startMailbox } from './mailbox.mjs'

// The password of the examples.
const password = 'una-clave-larga'
const REFUSED = 'sin.buzon@example.gov.co'
const mailbox = await startMailbox({ refused: REFUSED })
const desk = await startDesk(process.argv[2], {
  MESA_DEMO_PASSWORD: password,
  MESA_SMTP_URL: mailbox.url,
  MESA_MAIL_FROM: 'Mesa de Servicios <mesa@example.gov.co>',
})
let browser
try {
  const { port } = new URL(desk.url)
  const docs = `http://mesa.test:${port}/docs/`
  browser = await startBrowser('--host-resolver-rules=MAP mesa.test 127.0.0.1, MAP * ~NOTFOUND')
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const faults = []
  await context.route(
    (url) => url.host !== `mesa.test:${port}` && url.protocol !== 'data:',
    (route) => {
      faults.push(`asked for ${route.request().url()}`)
      return route.abort()
    },
  )
  const open = async (address) => {
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    await page.goto(address)
    await page.waitForSelector('.opblock-tag')
    return page
  }
  /** Opens an operation. */
  const operation = async (page, tag, id) => {
    const { block } = await openOperation(page, { tag, id })
    return block
  }
  /** Executes the operation; returns status and body as shown. */
  const execute = async (block) => {
    const answer = block.locator('.live-responses-table')
    // Clear the previous answer.
    if (await answer.count()) await block.locator('.btn-clear').click()
    await answer.waitFor({ state: 'detached' })
    await block.locator('.execute').click()
    await answer.waitFor()
    assert.match(await answer.innerText(), /Request duration\s+\d+ ms/)
    const status = await answer.locator('tbody .response-col_status').first().innerText()
    const body = await answer.locator('tbody .response-col_description .highlight-code').first().innerText()
    return { status: status.trim(), body: JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) }
  }

  const api = caller(desk.url, password)
  const contract = await (await fetch(`${desk.url}/openapi.json`)).json()
  const examples = (id) => Object.values(listOperations(contract).find((one) => one.id === id).operation.requestBody.content)[0].example
  const { pathOf } = await prepare(api, contract, examples, mailbox, REFUSED)

  let page = await open(docs)
  assert.equal(await page.locator('.opblock').count(), 0, 'the operations are not collapsed by tag')
  const tags = await page.locator('.opblock-tag').evaluateAll((all) => all.map((tag) => tag.dataset.tag))
  assert.deepEqual(tags, contract.tags.map((tag) => tag.name), 'the tags are not in the order of the contract')

  // The filter matches path and summary.
  const filter = page.locator('.operation-filter-input')
  for (const phrase of ['acceptance', 'accept a ticket']) {
    await filter.fill(phrase)
    await page.locator('.opblock-tag[data-tag=users]').waitFor({ state: 'detached' })
    await page.locator('.opblock-tag[data-tag="ticket steps"]').waitFor()
  }
  await filter.fill('')
  await page.locator('.opblock-tag[data-tag=users]').waitFor()

  await page.click('.auth-wrapper .btn.authorize')
  const oauth = page.locator('.auth-container', { hasText: 'OAuth2, password' })
  await oauth.locator('#oauth_username').fill('technician@mesa.test')
  await oauth.locator('#oauth_password').fill(password)
  await oauth.locator('button.authorize').click()
  await oauth.getByText('Logout').waitFor()
  await page.locator('.auth-btn-wrapper .btn-done').last().click()

  const register = await operation(page, 'tickets', 'createTicket')
  const request = { subject: 'Sin red en el piso 3', description: 'Desde las ocho.' }
  await register.locator('textarea.body-param__text').fill(JSON.stringify(request))
  const registered = await execute(register)
  assert.equal(registered.status, '201')
  assert.equal(registered.body.subject, request.subject)

  const readBack = async () => {
    const read = await operation(page, 'tickets', 'getTicket')
    await read.locator('tr[data-param-name=ticket_id] input').fill(String(registered.body.id))
    const { status, body } = await execute(read)
    assert.equal(status, '200')
    assert.equal(body.id, registered.body.id)
  }
  await readBack()
  // The URL contains the open operation.
  await page.reload()
  await page.locator('#operations-tickets-getTicket.is-open .execute').waitFor()
  await readBack()

  // The browser stores no password.
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
  assert(kept.includes('access_token') && !kept.includes(password))

  // Before it expires the token is refreshed, once for all tabs, and the session continues after another reload.
  const session = () => page.evaluate(() => JSON.parse(localStorage.getItem('mesa.session')))
  const age = () =>
    page.evaluate(() => {
      const session = JSON.parse(localStorage.getItem('mesa.session'))
      localStorage.setItem('mesa.session', JSON.stringify({ ...session, until: Date.now() }))
    })
  const first = await session()
  let renewals = 0
  context.on('request', (request) => (renewals += request.url().endsWith('/auth/token') ? 1 : 0))
  await age()
  await readBack()
  assert.notEqual((await session()).refresh_token, first.refresh_token)
  const before = page
  page = await open(`${docs}#/tickets/getTicket`)
  await readBack()
  page = before
  await readBack()
  await page.reload()
  await page.locator('#operations-tickets-getTicket.is-open .execute').waitFor()
  await readBack()
  assert.equal(renewals, 1)
  // After a 503 the refresh is retried with the next request.
  await age()
  const busy = (route) => route.fulfill({ status: 503 })
  await page.route('**/auth/token', busy)
  await readBack()
  await page.unroute('**/auth/token', busy)
  await readBack()
  assert.equal(renewals, 3)
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('503')))

  // A deep link opens its operation, with the session.
  page = await open(`${docs}#/tickets/createTicket`)
  await page.locator('#operations-tickets-createTicket.is-open .execute').waitFor()
  await readBack()

  // When the session has ended, the padlock opens and the stored session is removed.
  await age()
  await page.evaluate(() => {
    const session = JSON.parse(localStorage.getItem('mesa.session'))
    localStorage.setItem('mesa.session', JSON.stringify({ ...session, refresh_token: 'x' }))
  })
  const read = await operation(page, 'tickets', 'getTicket')
  await read.locator('.execute').click()
  await page.waitForFunction(() => !localStorage.getItem('mesa.session') && (localStorage.authorized ?? '{}') === '{}')
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('401')))

  assert.deepEqual(faults, [])

  await measureOpening(context, docs)

  // Every operation, as a director unless another account is required.
  const director = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  await context.close()
  page = await director.newPage()
  page.setDefaultTimeout(20_000)
  await page.goto(docs)
  await page.waitForSelector('.opblock-tag')
  const secrets = { mailbox, refreshToken: () => api.refreshToken('professional') }
  const operations = listOperations(contract)
  const since = Date.now()
  const failures = await executeAll(page, operations, { token: api.token, pathOf, secrets })
  assert.deepEqual(failures, [], failures.join('\n'))
  console.log(`Swagger UI: ${operations.length} operations executed as prefilled in ${Math.round((Date.now() - since) / 1000)} s`)

  // A PDF is saved completely.
  const report = await operation(page, 'reports', 'getQuarterlyReport')
  for (const [name, value] of [['year', '2020'], ['quarter', '3']]) {
    const input = report.locator(`tr[data-param-name=${name}] input`)
    await input.fill(value)
    await input.blur()
  }
  await report.locator('tr[data-param-name=format] select').selectOption('pdf')
  await report.locator('.execute').click()
  const link = report.locator('.live-responses-table a[download]')
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()])
  const saved = await readFile(await download.path())
  assert(saved.subarray(0, 5).equals(Buffer.from('%PDF-')) && saved.subarray(-8).includes('%%EOF'), 'the PDF is incomplete')
  const headers = { Authorization: `Bearer ${await api.token('director')}` }
  const sent = await fetch(`${desk.url}/api/v1/reports/quarterly/2020/3?format=pdf`, { headers })
  assert(saved.equals(Buffer.from(await sent.arrayBuffer())), 'the PDF differs from the one that the desk sends')

  console.log(`Swagger UI: ticket ${registered.body.id} registered and read back, signed in after a reload, no requests to other hosts`)
} finally {
  await browser?.close()
  await desk.stop()
  mailbox.stop()
}
