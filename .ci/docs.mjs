// A day's work of an administrator in Swagger UI, under a name that is not localhost: there it would do without what it
// asks of other hosts.
import assert from 'node:assert/strict'
import { password, startBrowser, startDesk } from './desk.mjs'

const desk = await startDesk(process.argv[2])
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
  /** The operation, opened and ready to be tried. */
  const operation = async (page, tag, id) => {
    const block = page.locator(`#operations-${tag}-${id}`)
    if (!(await block.locator('.execute').isVisible())) await block.locator('.opblock-summary-control').click()
    await block.locator('.execute').waitFor()
    return block
  }
  /** Sends what is filled in; answers status and body as they are shown. */
  const execute = async (block) => {
    await block.locator('.execute').click()
    const answer = block.locator('.live-responses-table')
    await answer.waitFor()
    assert.match(await answer.innerText(), /Request duration\s+\d+ ms/)
    const status = await answer.locator('tbody .response-col_status').first().innerText()
    const body = await answer.locator('tbody .response-col_description .highlight-code').first().innerText()
    return { status: status.trim(), body: JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) }
  }

  let page = await open(docs)
  const contract = await (await fetch(`${desk.url}/openapi.json`)).json()
  const tags = await page.locator('.opblock-tag').evaluateAll((all) => all.map((tag) => tag.dataset.tag))
  assert.deepEqual(tags, contract.tags.map((tag) => tag.name), 'the tags are in the order of the contract')

  await page.click('.auth-wrapper .btn.authorize')
  const oauth = page.locator('.auth-container', { hasText: 'OAuth2, password' })
  await oauth.locator('#oauth_username').fill('technician@mesa.test')
  await oauth.locator('#oauth_password').fill(password)
  await oauth.locator('button.authorize').click()
  await oauth.getByText('Logout').waitFor()
  await page.locator('.auth-btn-wrapper .btn-done').last().click()

  const register = await operation(page, 'tickets', 'registerTicket')
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
  // The address now leads to what was open.
  await page.reload()
  await page.locator('#operations-tickets-getTicket.is-open .execute').waitFor()
  await readBack()

  // No password is kept in the browser.
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
  assert(kept.includes('access_token') && !kept.includes(password))

  // Towards its end the token is renewed, once for all tabs, and the day goes on after another reload.
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
  // A desk that is busy is asked again the next time.
  await age()
  const busy = (route) => route.fulfill({ status: 503 })
  await page.route('**/auth/token', busy)
  await readBack()
  await page.unroute('**/auth/token', busy)
  await readBack()
  assert.equal(renewals, 3)
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('503')))

  // A deep link opens its operation, signed in as well.
  page = await open(`${docs}#/tickets/registerTicket`)
  await page.locator('#operations-tickets-registerTicket.is-open .execute').waitFor()
  await readBack()

  // Where the sign-in is over, the padlock opens. Signing out ends what was kept.
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
  console.log(`Swagger UI: ticket ${registered.body.id} registered and read back, signed in after a reload, no other host asked`)
} finally {
  await browser?.close()
  await desk.stop()
}
