// Proves that each rule of this contract (`mesa-…` in spectral.yaml) can fail: makes one change of the contract after
// another, and expects the rule to report it. Reads spectral.yaml and openapi.json in the working directory.
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { resolve } from 'node:path'
import core from '@stoplight/spectral-core'
import { commonjs } from '@stoplight/spectral-ruleset-bundler/plugins/commonjs'
import { bundleAndLoadRuleset } from '@stoplight/spectral-ruleset-bundler/with-loader'

const TICKETS = '/api/v1/tickets'
const TICKET = '/api/v1/tickets/{ticket_id}'
const ACCEPTANCE = '/api/v1/tickets/{ticket_id}/acceptance'
const EXTENSIBLE =
  ['AuditKind', 'AuditResource', 'Code', 'EventKind', 'FieldCode', 'InboundEmailReason', 'MessageKind', 'Step', 'WatchReason']
const description = 'Added by a test.'

const named = (contract, schema) => contract.components.schemas[schema.$ref.split('/').at(-1)]
const body = (operation, type = 'application/json') => operation.requestBody.content[type]
const answer = (operation) => operation.responses[200].content['application/json']
const ticket = (contract) => named(contract, answer(contract.paths[TICKET].get).schema)
const page = (contract) => named(contract, answer(contract.paths[TICKETS].get).schema)
const newTicket = (contract) => named(contract, body(contract.paths[TICKETS].post).schema)
const routeWith = (contract, method) => Object.keys(contract.paths).find((route) => contract.paths[route][method])
const first = (contract, method) => contract.paths[routeWith(contract, method)][method]

// Adds a property to the schema of a ticket.
const property = (name, schema) => (contract) => {
  ticket(contract).properties[name] = { description, ...schema }
}

// Adds a query parameter to the list of tickets.
const query = (name, schema) => (contract) => {
  contract.paths[TICKETS].get.parameters.push({ in: 'query', name, description, schema })
}

// Removes a parameter of an operation.
const without = (route, method, name) => (contract) => {
  const operation = contract.paths[route][method]
  const { parameters } = contract.components
  const written = (each) => (each.$ref ? parameters[each.$ref.split('/').at(-1)] : each)
  operation.parameters = operation.parameters.filter((each) => written(each).name !== name)
}

// Gives the body of an operation a schema with another name.
const renamedBody = (route, method, type, name) => (contract) => {
  const content = body(contract.paths[route][method], type)
  contract.components.schemas[name] = structuredClone(named(contract, content.schema))
  content.schema = { $ref: `#/components/schemas/${name}` }
}

const inlineBody = (route, method, type) => (contract) => {
  const content = body(contract.paths[route][method], type)
  content.schema = structuredClone(named(contract, content.schema))
}

const operation = (route, method, fields) => (contract) => {
  Object.assign(contract.paths[route][method], fields)
}

const moment = { type: 'string', format: 'date-time' }
const day = { type: 'string', format: 'date' }
const uuid = { type: 'string', format: 'uuid' }
const clock = { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' }

const changes = {
  'mesa-property-case': [property('openTickets', { type: 'integer' })],
  'mesa-query-case': [query('hasArticle', { type: 'boolean' })],
  'mesa-moment-property': [
    property('seen', moment),
    property('seen', { oneOf: [moment, { type: 'null' }] }),
    property('seen_from', { ...moment, type: ['string', 'null'] }),
  ],
  'mesa-moment-query': [query('seen_for', moment)],
  'mesa-at-is-moment': [property('seen_at', clock), query('seen_at', { type: 'string' })],
  'mesa-date-name': [property('birthday', day), query('review_before', day)],
  'mesa-clock-name': [property('opens', clock), query('opens', clock)],
  'mesa-quantity-is-number': [
    property('wait_minutes', { type: 'string' }),
    property('solved_count', { type: 'object', properties: {} }),
    query('keep_months', { type: 'string' }),
  ],
  'mesa-id-property': [
    property('owner', uuid),
    property('owner_id', { type: 'array', items: uuid }),
    (contract) => {
      contract.components.schemas.Uuid = uuid
      property('owner', { $ref: '#/components/schemas/Uuid' })(contract)
    },
  ],
  'mesa-id-query': [query('solved_by', uuid), query('solved_by', { type: 'array', items: uuid })],
  'mesa-reserved-name': ['from', 'to', 'size', 'into', 'since', 'deadline', 'level', 'met', 'counted'].map((name) =>
    property(name, { type: 'integer' }),
  ),
  'mesa-one-type': [
    property('full_name', { type: 'integer' }),
    property('full_name', { type: ['array', 'null'], items: { type: 'string' } }),
  ],
  'mesa-range-name': ['from', 'to', 'seen_to', 'seen_after'].map((name) => query(name, moment)),
  'mesa-range-pair': [query('seen_from', moment), query('seen_before', moment)],
  'mesa-date-range-pair': [query('from_date', day), query('through_date', day)],
  'mesa-list-answers-page': [
    (contract) => (answer(contract.paths[TICKETS].get).schema = answer(contract.paths[TICKET].get).schema),
    (contract) => (answer(contract.paths[TICKETS].get).schema = page(contract)),
    (contract) => (contract.paths[TICKETS].get.responses[200].content = { 'text/plain': {} }),
  ],
  'mesa-page-shape': [
    (contract) => delete page(contract).properties.items,
    (contract) => (page(contract).properties.items = { type: 'object', description }),
    (contract) => delete page(contract).properties.next_cursor,
    (contract) => (page(contract).required = ['items']),
    (contract) => (page(contract).required = ['next_cursor']),
  ],
  'mesa-items-have-cursor': [property('items', { type: 'array', items: { type: 'string' } })],
  'mesa-list-parameters': [without(TICKETS, 'get', 'limit'), without(TICKETS, 'get', 'cursor')],
  'mesa-parameter-description': [
    (contract) => delete Object.values(contract.components.parameters)[0].description,
    (contract) => contract.paths[TICKETS].get.parameters.push({ in: 'query', name: 'seen', schema: moment }),
    (contract) => (Object.values(contract.components.parameters)[0].description = ' '),
  ],
  'mesa-property-description': [
    property('seen', { type: 'boolean', description: undefined }),
    property('seen', { type: 'boolean', description: ' ' }),
    property('seen', { oneOf: [{ ...moment, description }, { type: 'null' }], description: undefined }),
    (contract) => (ticket(contract).properties.seen = answer(contract.paths[TICKET].get).schema),
  ],
  'mesa-closed-requests': [
    (contract) => delete newTicket(contract).additionalProperties,
    (contract) => (newTicket(contract).properties.more = { type: 'object', description, properties: {} }),
  ],
  'mesa-open-answers': [
    (contract) => (ticket(contract).additionalProperties = false),
    property('more', { type: 'object', additionalProperties: false }),
  ],
  'mesa-one-direction': [
    (contract) => (ticket(contract).properties.more = { description, ...body(contract.paths[TICKETS].post).schema }),
  ],
  'mesa-extensible-enum': [
    ...EXTENSIBLE.map((name) => (contract) => (contract.components.schemas[name].enum = ['received'])),
    (contract) => delete contract.components.schemas.Step['x-extensible-enum'],
    (contract) => delete contract.components.schemas.Step,
  ],
  'mesa-schema-name': ['NewTicket', 'Page_Ticket'].map((name) => (contract) => {
    contract.components.schemas[name] = { type: 'string' }
  }),
  'mesa-post-body-name': [
    renamedBody(TICKETS, 'post', 'application/json', 'TicketContent'),
    inlineBody(TICKETS, 'post', 'application/json'),
  ],
  'mesa-patch-body-name': [
    renamedBody(TICKET, 'patch', 'application/merge-patch+json', 'TicketPatch'),
    inlineBody(TICKET, 'patch', 'application/merge-patch+json'),
  ],
  'mesa-operation-name': ['registerTicket', 'create', 'create_ticket', 'ticketCreate', 'createdTicket'].map(
    (operationId) => operation(TICKETS, 'post', { operationId }),
  ),
  'mesa-get-name': [operation(TICKET, 'get', { operationId: 'acceptTicket' })],
  'mesa-delete-name': [(contract) => (first(contract, 'delete').operationId = 'archiveTicket')],
  'mesa-patch-name': [operation(TICKET, 'patch', { operationId: 'changeTicket' })],
  'mesa-put-name': [(contract) => (first(contract, 'put').operationId = 'updateTicket')],
  'mesa-enum-case': [
    property('pace', { type: 'string', enum: ['fast', 'very-fast'] }),
    property('pace', { type: 'string', 'x-extensible-enum': ['VeryFast'] }),
    query('pace', { type: 'array', items: { type: 'string', enum: ['very fast'] } }),
    (contract) => (contract.components.parameters.pace = { in: 'query', name: 'pace', schema: { enum: ['-fast'] } }),
  ],
  'mesa-sort-case': [query('sort', { type: 'string', enum: ['-received_at', '+received_at'] })],
  'mesa-roles': [undefined, [], ['guest'], ['director', 'director'], 'director'].map((roles) =>
    operation(TICKET, 'get', { 'x-roles': roles }),
  ),
  'mesa-permission': [undefined, '', 'readTicket', []].map((permission) =>
    operation(TICKET, 'get', { 'x-mesa-permission': permission }),
  ),
  'mesa-password-scopes': [operation(TICKET, 'get', { security: [{ bearer: [] }, { password: ['director'] }] })],
  'mesa-sunset': [
    property('seen', { type: 'boolean', deprecated: true }),
    property('seen', { type: 'boolean', deprecated: true, 'x-sunset': 'soon' }),
    operation(TICKET, 'get', { deprecated: true, 'x-deprecated-on': '2030-01-01' }),
    (contract) => (Object.values(contract.components.parameters)[0].deprecated = true),
  ],
  'mesa-deprecated-on': [operation(TICKET, 'get', { deprecated: true, 'x-sunset': '2030-01-01' })],
  'mesa-created-location': [(contract) => delete contract.paths[TICKETS].post.responses[201].headers.Location],
  'mesa-idempotency-key': [without(TICKETS, 'post', 'Idempotency-Key')],
  'mesa-ticket-if-match': [without(TICKET, 'patch', 'If-Match'), without(ACCEPTANCE, 'post', 'If-Match')],
}

const ruleset = await bundleAndLoadRuleset(resolve('spectral.yaml'), { fs, fetch }, [commonjs()])
const { aliases, rules } = ruleset.definition
const own = Object.keys(rules).filter((name) => name.startsWith('mesa-'))
assert.deepEqual(Object.keys(changes).sort(), own.toSorted(), 'each rule has a change that it must report')

// Only the paths that the changes need, without examples: a run takes 50 milliseconds instead of a second.
const contract = JSON.parse(fs.readFileSync('openapi.json', 'utf8'), (key, value) =>
  key === 'example' || key === 'examples' ? undefined : value,
)
const routes = [TICKETS, TICKET, ACCEPTANCE, routeWith(contract, 'delete'), routeWith(contract, 'put')]
contract.paths = Object.fromEntries(routes.map((route) => [route, contract.paths[route]]))

async function report(document, names) {
  const spectral = new core.Spectral()
  spectral.setRuleset({ aliases, rules: Object.fromEntries(names.map((name) => [name, rules[name]])) })
  const parsed = { data: document, diagnostics: [], ast: {}, lineMap: [] }
  return spectral.run({ parsed, getLocationForJsonPath: () => ({ range: core.Document.DEFAULT_RANGE }) })
}

assert.deepEqual(await report(contract, own), [], 'the contract passes before a change')
let count = 0
for (const [name, each] of Object.entries(changes)) {
  for (const change of each) {
    const broken = structuredClone(contract)
    change(broken)
    const results = await report(JSON.parse(JSON.stringify(broken)), [name])
    assert(results.some(({ code }) => code === name), `${name} does not report: ${change}`)
    count += 1
  }
}
console.log(`${own.length} rules report ${count} changes of the contract.`)
