// Executes the operations of the contract in Swagger UI with the prefilled values.
import assert from 'node:assert/strict'

/** Operations that an account other than the director's must execute. */
const SENDERS = {
  acceptTicket: 'technician',
  answerTicketSurvey: 'requester',
  changeMyPassword: 'requester',
  logout: 'requester',
  rescheduleTicket: 'technician',
  solveTicket: 'technician',
}

/** Secrets that no example can contain, by operation and field of the body. */
const SECRETS = {
  confirmPasswordReset: ({ mailbox }) => ({ token: () => mailbox.find(/^To:.*rosa\.perez@[^]*\/p\/([\w-]+)/m) }),
  logout: ({ refreshToken }) => ({ refresh_token: refreshToken }),
  refreshSession: ({ refreshToken }) => ({ refresh_token: refreshToken }),
}

/** Operations that end a session or delete something come last. */
const isLast = ({ method, id }) => method === 'delete' || ['changeMyPassword', 'logout'].includes(id)

export function listOperations(contract) {
  const all = Object.entries(contract.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, id: operation.operationId, tag: operation.tags[0], operation })),
  )
  return [...all.filter((one) => !isLast(one)), ...all.filter(isLast)]
}

/** Opens an operation; returns its block, and the milliseconds from the click until it is rendered. */
export async function open(page, { tag, id }) {
  const element = `operations-${tag.replaceAll(' ', '_')}-${id}`
  const elapsed = await page.evaluate(
    async ({ tag, element }) => {
      const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
      const until = async (find) => {
        for (const end = performance.now() + 20_000; performance.now() < end; await frame()) if (find()) return find()
        throw new Error(`${element} does not open`)
      }
      for (const header of document.querySelectorAll('.opblock-tag[data-is-open=true]')) if (header.dataset.tag !== tag) header.click()
      const header = [...document.querySelectorAll('.opblock-tag')].find((one) => one.dataset.tag === tag)
      if (header.dataset.isOpen !== 'true') header.click()
      const block = await until(() => document.getElementById(element))
      const since = performance.now()
      if (!block.classList.contains('is-open')) block.querySelector('.opblock-summary-control').click()
      await until(() => block.querySelector('.execute') && block.querySelector('.responses-table'))
      return performance.now() - since
    },
    { tag, element },
  )
  return { block: page.locator(`[id="${element}"]`), elapsed }
}

/** Executes the operations; returns those that did not succeed. */
export async function executeAll(page, operations, { token, pathOf, secrets }) {
  const failures = []
  let sender
  for (const one of operations) {
    const role = SENDERS[one.id] ?? 'director'
    if (role !== sender) {
      const value = await token(role)
      await page.evaluate((value) => window.ui.preauthorizeApiKey('bearer', value), value)
      sender = role
    }
    const { block } = await open(page, one)
    if (one.path.includes('{')) {
      const values = await pathOf(one.id)
      for (const [, name] of one.path.matchAll(/\{(\w+)\}/g)) await fillParameter(block, name, values[name], one.id)
    }
    // A user reads the record first and sends its ETag; any version will do here.
    const required = (parameter) => parameter.in === 'header' && parameter.required
    for (const { name } of one.operation.parameters?.filter(required) ?? []) await fillParameter(block, name, '*', one.id, 'header')
    // A stream ends after the time that is asked for.
    if (one.id === 'getEventStream') await fillParameter(block, 'seconds', 1, one.id, 'query')
    for (const [field, secret] of Object.entries(SECRETS[one.id]?.(secrets) ?? {})) {
      const body = block.locator('textarea.body-param__text')
      await body.fill(JSON.stringify({ ...JSON.parse(await body.inputValue()), [field]: await secret() }))
      await body.blur()
    }
    for (const input of await block.locator('input[type=file]').all()) {
      // Swagger UI shows a file input for a binary body; the example is the content of the file.
      const content = one.operation.requestBody.content['message/rfc822']?.example ?? 'La placa es 10432.'
      await input.setInputFiles({ name: 'nota.txt', mimeType: 'text/plain', buffer: Buffer.from(content) })
    }
    await block.locator('.execute').evaluate((button) => button.click())
    const answer = block.locator('.live-responses-table tbody .response-col_status').first()
    const status = await answer.innerText({ timeout: 5_000 }).catch(() => 'no answer')
    if (!/^[23]\d\d/.test(status.trim())) {
      const text = await block.innerText()
      failures.push(`${one.id}: ${status.trim()} ${text.slice(text.indexOf('Server response')).slice(0, 900)}`)
    }
    await block.locator('.opblock-summary-control').evaluate((summary) => summary.click())
  }
  return failures
}

async function fillParameter(block, name, value, id, place = 'path') {
  assert(value !== undefined, `${id}: no value for ${name}`)
  const row = block.locator(`tr[data-param-name="${name}"][data-param-in=${place}]`)
  const choice = row.locator('select')
  if (await choice.count()) return choice.selectOption(String(value))
  const input = row.locator('input')
  await input.fill(String(value))
  // Swagger UI applies the input after a delay, or when the field loses the focus.
  await input.blur()
}
