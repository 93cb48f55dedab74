// Checks the page of a report in Chromium, at A4 and on a phone, without network; saves screenshots and the print as
// PDF.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { startBrowser } from './desk.mjs'

const [page, out] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const html = readFileSync(page, 'utf8')
assert.ok(!/<script|<link|@import|url\(|src="http/i.test(html), 'the page is not self-contained')

const browser = await startBrowser()
try {
  for (const [name, width, height] of [['a4', 794, 1123], ['phone', 360, 740]]) {
    const context = await browser.newContext({ viewport: { width, height }, locale: 'es-CO' })
    const view = await context.newPage()
    const asked = []
    view.on('request', (request) => asked.push(request.url()))
    const said = []
    view.on('console', (message) => said.push(message.text()))
    await view.goto(`file://${page}`)
    assert.deepEqual(asked.filter((url) => !/^(file|data):/.test(url)), [], `${name}: requests to other hosts`)
    const wide = await view.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= width, `${name}: ${wide} pixels wide`)
    await view.addScriptTag({ content: axe })
    const { violations } = await view.evaluate(() => globalThis.axe.run())
    assert.deepEqual(violations.map((found) => `${found.id}: ${found.help} ${found.nodes[0].html}`), [], `${name}: axe-core`)
    assert.deepEqual(said, [], `${name}: console messages`)
    await view.screenshot({ path: `${out}-${name}.png`, fullPage: true })
    if (name === 'a4') {
      // In print every table must fit between the margins.
      await view.emulateMedia({ media: 'print' })
      const paper = html.includes('form landscape"') ? 267 : 180
      await view.setViewportSize({ width: Math.floor((paper / 25.4) * 96), height })
      const cut = await view.evaluate(() =>
        [...document.querySelectorAll('table, svg')]
          .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
          .map((one) => one.querySelector('caption')?.textContent ?? one.getAttribute('aria-label')))
      assert.deepEqual(cut, [], 'cut off on paper')
      await view.pdf({ path: `${out}-print.pdf`, preferCSSPageSize: true })
    }
    await context.close()
  }
  console.log('  the page fits A4 and a phone, without violations or network requests')
} finally {
  await browser.close()
}
