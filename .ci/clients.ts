// Takes a ticket from registration to closure with the types that openapi-typescript generates. Code that does not
// compile with `strict`, or needs a cast, is a fault of the contract.
import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { components, paths } from './mesa'

type Schemas = components['schemas']

const baseUrl = process.env.MESA_URL
const password = process.env.MESA_DEMO_PASSWORD
assert(baseUrl && password)

/** Returns the body of a successful answer. */
function ok<Data>(answer: { data?: Data; error?: Schemas['Problem']; response: Response }): Data {
  const { data, error, response } = answer
  assert(data !== undefined, `${response.url} answered ${response.status}: ${error?.code}, ${error?.detail}`)
  return data
}

/** Returns the expected problem. */
function refused(answer: { error?: Schemas['Problem']; response: Response }, status: number): Schemas['Problem'] {
  assert.equal(answer.response.status, status)
  assert(answer.error)
  return answer.error
}

const etag = (response: Response): string => response.headers.get('ETag') ?? ''

async function signIn(role: Schemas['Role']) {
  const body = { email: `${role}@mesa.test`, password: password ?? '' }
  const session = ok(await createClient<paths>({ baseUrl }).POST('/api/v1/auth/login', { body }))
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${session.access_token}` } })
}

const requester = await signIn('requester')
const technician = await signIn('technician')
const me = ok(await technician.GET('/api/v1/me'))
assert.equal(me.permissions['classify'], 'any')

// A repeated request with the same key registers one ticket.
const header = { 'Idempotency-Key': crypto.randomUUID() }
const body = { subject: 'La impresora no imprime', description: 'Muestra atasco.' } satisfies Schemas['TicketCreate']
const first = await requester.POST('/api/v1/tickets', { params: { header }, body })
const ticket = ok(first)
assert.equal(ok(await requester.POST('/api/v1/tickets', { params: { header }, body })).id, ticket.id)
assert.equal(ticket.status, 'received')
const path = { ticket_id: ticket.id }

const invalid = refused(await requester.POST('/api/v1/tickets', { body: { ...body, subject: '' } }), 422)
assert.deepEqual(invalid.errors?.map((error) => error.pointer), ['/subject'])

// A step that the state does not allow gets a code of the contract.
const early = refused(await technician.POST('/api/v1/tickets/{ticket_id}/acceptance', { params: { path }, body: {} }), 409)
assert.equal(early.code, 'step_not_allowed')
assert.equal(early.current_status, 'received')
assert(early.allowed_steps?.includes('classification'))
// Later versions add codes, so any text is one; states do not grow.
const later: Schemas['Code'] = 'a_code_of_a_later_version'
// @ts-expect-error: not a state of a ticket.
const state: Schemas['TicketStatus'] = later
assert.notEqual(state, ticket.status)

// Not modified; then changed by another user.
const known = etag(first.response)
const unchanged = await requester.GET('/api/v1/tickets/{ticket_id}', { params: { path, header: { 'If-None-Match': known } } })
assert.equal(unchanged.response.status, 304)
const classified = await technician.POST('/api/v1/tickets/{ticket_id}/classification', {
  params: { path, header: { 'If-Match': known } },
  body: { criticality: 'high' },
})
assert.equal(ok(classified).criticality, 'high')
const stale = { params: { path, header: { 'If-Match': known } }, body: { assignee_id: me.id } }
const late = refused(await technician.POST('/api/v1/tickets/{ticket_id}/assignment', stale), 412)
assert.equal(late.code, 'precondition_failed')

const fresh = { params: { path, header: { 'If-Match': etag(classified.response) } }, body: { assignee_id: me.id } }
const assigned = ok(await technician.POST('/api/v1/tickets/{ticket_id}/assignment', fresh))
assert.equal(assigned.assignee?.full_name, me.full_name)
const scheduled_for = new Date(Date.now() + 3_600_000).toISOString()
const accepted = await technician.POST('/api/v1/tickets/{ticket_id}/acceptance', { params: { path }, body: { scheduled_for } })
assert.equal(ok(accepted).status, 'in_progress')

const words = { public: 'Vamos a su oficina.', private: 'El rodillo está gastado.' } satisfies Record<Schemas['FollowupVisibility'], string>
for (const visibility of ['public', 'private'] as const) {
  const followup = { visibility, body: words[visibility] }
  ok(await technician.POST('/api/v1/tickets/{ticket_id}/followups', { params: { path }, body: followup }))
}
const seen = ok(await requester.GET('/api/v1/tickets/{ticket_id}/followups', { params: { path } }))
const told = seen.items.map((followup) => followup.body)
assert(told.includes(words.public) && !told.includes(words.private))

const description = 'Se cambió el rodillo.'
const solved = ok(await technician.POST('/api/v1/tickets/{ticket_id}/solution', { params: { path }, body: { description } }))
assert.equal(solved.solution?.description, description)
const ratings = { overall: 5, timeliness: 4, courtesy: 5, solution: 5 }
const survey = ok(await requester.POST('/api/v1/tickets/{ticket_id}/survey', { params: { path }, body: { ratings } }))
assert.deepEqual(survey.ratings, ratings)
assert.equal(ok(await requester.POST('/api/v1/tickets/{ticket_id}/closure', { params: { path }, body: {} })).status, 'closed')

// The pages contain every ticket once.
for (let more = 0; more < 4; more += 1) ok(await requester.POST('/api/v1/tickets', { body }))
const ids: number[] = []
let cursor: string | undefined
do {
  const query = { limit: 2, sort: '-received_at', status: ['received', 'closed'], cursor } satisfies
    paths['/api/v1/tickets']['get']['parameters']['query']
  const page = ok(await requester.GET('/api/v1/tickets', { params: { query } }))
  assert(page.items.length <= 2)
  ids.push(...page.items.map((item) => item.id))
  cursor = page.next_cursor ?? undefined
} while (cursor)
const all = ok(await requester.GET('/api/v1/tickets', { params: { query: { with_total: true, limit: 1 } } }))
assert(ids.includes(ticket.id))
assert.equal(new Set(ids).size, ids.length)
assert.equal(ids.length, all.total)

console.log(`TypeScript: ticket ${ticket.id} from registration to closure`)
