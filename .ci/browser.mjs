// Starts a desk and a mail server, follows the survey link of a mail in Chromium, and answers the survey on a narrow
// screen with the keyboard only and scripts off.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { password, startBrowser, startDesk } from './desk.mjs'

const [mesa, pictures] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A PNG of this size in one colour. */
function image(width, height) {
  const chunk = (type, data) => {
    const content = Buffer.concat([Buffer.from(type), data])
    const size = Buffer.alloc(4)
    size.writeUInt32BE(data.length)
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(content))
    return Buffer.concat([size, content, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([8, 2], 8)
  const line = Buffer.concat([Buffer.alloc(1), Buffer.alloc(width * 3, Buffer.from([11, 79, 158]))])
  const lines = Buffer.concat(Array(height).fill(line))
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))])
}

/** A mail server that accepts all mail. */
async function mailServer() {
  const mails = []
  const server = createServer((socket) => {
    let data = null
    let rest = ''
    const say = (words) => socket.write(`${words}\r\n`)
    say('220 mail.test')
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      rest += chunk
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        if (data !== null && line === '.') {
          mails.push(data.join('\r\n'))
          data = null
          say('250 taken')
        } else if (data !== null) {
          data.push(line)
        } else if (line.startsWith('DATA')) {
          data = []
          say('354 go on')
        } else {
          say(line.startsWith('QUIT') ? '221 bye' : '250 ok')
        }
      }
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { mails, port: server.address().port, close: () => server.close() }
}

/** A solved ticket of the demo requester. */
async function solvedTicket(url) {
  const call = async (token, path, body) => {
    const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
    const answer = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    assert.ok(answer.ok, `${path} answered ${answer.status}`)
    return answer.json()
  }
  const signIn = async (role) =>
    (await call(null, '/auth/login', { email: `${role}@mesa.test`, password })).access_token
  const [requester, technician] = [await signIn('requester'), await signIn('technician')]
  const { id } = await call(requester, '/tickets', {
    subject: 'La impresora del despacho no imprime',
    description: 'Muestra atasco.',
  })
  await call(technician, `/tickets/${id}/classification`, { criticality: 'critical' })
  await call(technician, `/tickets/${id}/assignment`, {})
  await call(technician, `/tickets/${id}/acceptance`, {})
  await call(technician, `/tickets/${id}/solution`, { description: 'Se cambió el rodillo y se probó.' })
}

/** The link in the next mail that has one. */
async function link(mails, seen) {
  for (let i = 0; i < 600; i += 1) {
    // The lines of the text may be folded (quoted-printable) or in Base64.
    for (const mail of mails.slice(seen)) {
      const [, encoding, body] =
        mail.match(/text\/plain[^]*?Content-Transfer-Encoding: (\S+)\r\n\r\n([^]*?)\r\n--/) ?? []
      const text = encoding === 'base64' ? Buffer.from(body, 'base64').toString() : body?.replaceAll('=\r\n', '')
      const found = text?.match(/http:\/\/\S+\/s\/[\w-]{43}/)
      if (found) return found[0]
    }
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('no mail with a link arrived')
}

const logo = join(pictures, 'logo.png')
writeFileSync(logo, image(160, 80))
const mail = await mailServer()
let desk
let browser
try {
  desk = await startDesk(mesa, {
    MESA_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
    MESA_MAIL_FROM: 'Mesa de Servicios <mesa@mesa.test>',
    MESA_ENTITY_NAME: 'Alcaldía de Itagüí',
    MESA_ENTITY_LOGO: logo,
  })
  const { url } = desk
  browser = await startBrowser()
  const shown = async (javaScriptEnabled, locale, width = 360) => {
    const context = await browser.newContext({
      javaScriptEnabled,
      locale,
      // The page's CSP blocks all scripts, including axe.
      bypassCSP: javaScriptEnabled,
      viewport: { width, height: 740 },
    })
    return context.newPage()
  }
  const picture = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
  const check = async (address, name, { locale = 'es-CO', before = async () => {}, wide = 360 } = {}) => {
    const page = await shown(true, locale, wide)
    await page.goto(address)
    await before(page)
    await page.addScriptTag({ content: axe })
    const { violations } = await page.evaluate(() => globalThis.axe.run())
    assert.deepEqual(violations.map((found) => `${found.id}: ${found.help}`), [], `${name}: axe-core`)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(width <= wide, `${name}: ${width} pixels wide`)
    assert.ok(await page.evaluate(() => document.images[0].naturalWidth > 0), `${name}: the logo is not shown`)
    await picture(page, name)
    await page.context().close()
  }

  /** Checks that the grades of a question are in one row, that each has a name, and the height of the page. */
  const gradesInRows = (highest) => async (page) => {
    for (const question of await page.locator('fieldset').all()) {
      const labels = question.locator('label')
      const tops = await labels.evaluateAll((found) => found.map((label) => Math.round(label.getBoundingClientRect().top)))
      assert.equal(tops.length, 5)
      assert.equal(new Set(tops).size, 1, `the grades are at ${tops}`)
      for (const name of ['1 Muy malo', '2 Malo', '3 Regular', '4 Bueno', '5 Muy bueno']) {
        assert.equal(await question.getByRole('radio', { name, exact: true }).count(), 1, name)
      }
      const narrowest = await labels.evaluateAll((found) => Math.min(...found.map((label) => label.offsetWidth)))
      assert.ok(narrowest >= 44, `a grade is ${narrowest} pixels wide`)
    }
    const height = await page.evaluate(() => document.documentElement.scrollHeight)
    assert.ok(height <= highest, `the page is ${height} pixels high`)
  }
  await solvedTicket(url)
  const survey = await link(mail.mails, 0)
  await check(survey, 'form')
  await check(survey, 'form-english', { locale: 'en-GB' })
  await check(survey, 'form-wide', { wide: 1280, before: gradesInRows(1100) })
  await check(survey, 'form-row', { before: gradesInRows(1320) })
  // 200 % of the text size of a narrow screen.
  await check(survey, 'form-large-text', {
    before: (page) => page.addStyleTag({ content: 'html { font-size: 200% }' }),
  })
  await check(survey, 'form-incomplete', {
    before: async (page) => {
      await page.evaluate(() => document.querySelectorAll('[required]').forEach((field) => field.removeAttribute('required')))
      await page.check('#rating-overall-4')
      await Promise.all([page.waitForNavigation(), page.click('button')])
      assert.ok(await page.isChecked('#rating-overall-4'), 'the ratings are lost')
      assert.ok(await page.isVisible('[role=alert]'))
    },
  })
  await check(`${url}/s/none`, 'unknown')

  // With the keyboard only, scripts off.
  const page = await shown(false, 'es-CO')
  await page.goto(survey)
  const focused = () => page.locator(':focus')
  for (const [name, moves] of [['overall', 4], ['timeliness', 3], ['courtesy', 4], ['solution', 2]]) {
    await page.keyboard.press('Tab')
    assert.equal(await focused().getAttribute('name'), `rating-${name}`)
    await page.keyboard.press('Space')
    for (let i = 0; i < moves; i += 1) await page.keyboard.press('ArrowDown')
    assert.equal(await focused().getAttribute('value'), String(moves + 1))
  }
  await page.keyboard.press('Tab')
  assert.equal(await focused().getAttribute('name'), 'comment')
  await page.keyboard.type('Muy amables. ¡Gracias!')
  await picture(page, 'filled-in')
  await page.keyboard.press('Tab')
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
  assert.equal(await page.textContent('h1'), 'Gracias')
  await picture(page, 'thanks')
  await page.goto(survey)
  assert.match(await page.textContent('main'), /quedó guardada el/)
  await check(survey, 'answered')
  const kept = await (await fetch(survey.replace('/s/', '/api/v1/survey-links/'))).json()
  assert.deepEqual(kept.survey.ratings, { overall: 5, timeliness: 4, courtesy: 5, solution: 3 })
  assert.equal(kept.survey.comment, 'Muy amables. ¡Gracias!')
  console.log(`survey page: answered with the keyboard only, no violations; screenshots in ${pictures}`)
} finally {
  await browser?.close()
  mail.close()
  await desk?.stop()
}
