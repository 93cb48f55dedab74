// Two clients follow the log with EventSource of npm while one copy of the server is stopped and started again: one with
// Authorization and its own reconnection, one with the code of docs/integration.md and tickets, which changes to another copy in
// between. Each receives every event once.
//
// live.mjs CODE RESTARTED OTHER TOKEN: the code, the addresses of the copy that is restarted and of another one, a file with a
// token. Writes "ready" when both follow; reads commands from standard input: `other` (the second client changes its copy),
// `end CURSOR` (compares what was received with the log after it was followed from the beginning).
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { EventSource } from 'eventsource'

const [code, restarted, other, tokenFile] = process.argv.slice(2)
globalThis.EventSource = EventSource
const { followDesk } = await import(code)
const token = () => readFileSync(tokenFile, 'utf8').trim()

const received = { header: [], tickets: [] }
const header = new EventSource(`${restarted}/api/v1/events/stream?type=co.mesa.ticket.*`, {
  fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${token()}` } }),
})
header.onmessage = (message) => received.header.push(JSON.parse(message.data).id)
let connections = 0
header.onopen = () => (connections += 1)

// The balancer in front of two copies.
let server = restarted
const asked = globalThis.fetch
globalThis.EventSource = class extends EventSource {
  constructor(url) {
    super(url.replace(restarted, server))
  }
}
globalThis.fetch = (url, init) => asked(String(url).replace(restarted, server), init)
let resets = 0
const stop = followDesk(restarted, {
  token,
  onEvent: (event) => received.tickets.push(event.id),
  onPresence: () => {},
  onReset: () => (resets += 1),
})

const pause = (ms) => new Promise((done) => setTimeout(done, ms))
while (header.readyState !== EventSource.OPEN || resets === 0) await pause(50)
await pause(500)
console.log('ready')

async function written(after) {
  const ids = []
  for (let more = true; more; ) {
    const answer = await asked(`${other}/api/v1/events?limit=1000&type=co.mesa.ticket.*&after=${after}`, {
      headers: { Authorization: `Bearer ${token()}` },
    })
    const page = await answer.json()
    ids.push(...page.items.map((event) => event.id))
    ;({ next_cursor: after, has_more: more } = page)
  }
  return ids
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ')
  if (command === 'other') server = other
  if (command === 'back') server = restarted
  if (command !== 'end') continue
  const expected = await written(argument)
  const same = (ids) => JSON.stringify(ids) === JSON.stringify(expected)
  for (let waited = 0; waited < 300 && !(same(received.header) && same(received.tickets)); waited++) await pause(100)
  let failed = expected.length === 0 || connections < 3 || resets !== 1
  for (const [name, ids] of Object.entries(received)) {
    const missed = expected.filter((id) => !ids.includes(id)).length
    const twice = ids.length - new Set(ids).size
    console.log(`${name}: ${ids.length} of ${expected.length} events, ${missed} missed, ${twice} twice, in order: ${same(ids)}`)
    failed ||= !same(ids)
  }
  console.log(`${connections} connections with Authorization, ${resets} readings of the list`)
  stop()
  header.close()
  process.exit(failed ? 1 : 0)
}
