// Creates the resources that the paths of the operations name, by the API, from the examples of the contract.
import assert from 'node:assert/strict'

/** Calls the API as a demo account. */
export function caller(url, password) {
  const signIn = async (role) => {
    const body = JSON.stringify({ email: `${role}@mesa.test`, password })
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${url}/api/v1/auth/login`, { method: 'POST', headers, body })
    assert.equal(answer.status, 200)
    return answer.json()
  }
  const tokens = new Map()
  const token = async (role) => {
    if (!tokens.has(role)) tokens.set(role, (await signIn(role)).access_token)
    return tokens.get(role)
  }
  const refreshToken = async (role) => (await signIn(role)).refresh_token
  /** `content`: a JSON value, a body of the given media type, or a form with a file. */
  const call = async (role, method, path, content, type) => {
    const headers = { Authorization: `Bearer ${await token(role)}` }
    const isForm = content instanceof FormData
    if (!isForm) headers['Content-Type'] = type ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json')
    const body = isForm || type ? content : JSON.stringify(content)
    const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body })
    const text = await answer.text()
    assert(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }
  return { token, refreshToken, call }
}

/** The steps that take a new ticket to a state. */
function stepsTo(state, assignee_id) {
  const soon = new Date(Date.now() + 3_600_000).toISOString()
  const steps = [
    ['classification', { criticality: 'medium' }],
    ['assignment', { assignee_id }],
    ['acceptance', { scheduled_for: soon }],
  ]
  const further = {
    received: steps.splice.bind(steps, 0),
    classified: steps.splice.bind(steps, 1),
    assigned: steps.splice.bind(steps, 2),
    in_progress: () => {},
    escalated: () => steps.push(['escalations', { reason: 'Es de la red.' }]),
    on_hold: () => steps.push(['hold', { reason: 'Se espera el repuesto.' }]),
    solved: () => steps.push(['solution', { description: 'Se cambió el cable.' }]),
    archived: () => steps.push(['archive', { reason: 'duplicate' }]),
  }
  further[state]()
  return steps
}

/** The state that an operation requires of its ticket; `in_progress` for all others. */
const STATES = {
  acceptTicket: 'assigned',
  answerTicketSurvey: 'solved',
  archiveTicket: 'received',
  assignTicket: 'classified',
  classifyTicket: 'received',
  closeTicket: 'solved',
  escalateTicket: 'in_progress',
  getTicketSurvey: 'solved',
  holdTicket: 'in_progress',
  mergeTicket: 'received',
  reopenTicket: 'solved',
  requestTicketInformation: 'in_progress',
  rescheduleTicket: 'in_progress',
  resubmitTicket: 'archived',
  resumeTicket: 'on_hold',
  returnTicket: 'escalated',
  solveTicket: 'in_progress',
  updateTicket: 'received',
}

/** Creates all resources; the result gives the values of the path parameters of an operation by name. */
export async function prepare({ call }, contract, examples, mailbox, refusedAddress) {
  const director = (...request) => call('director', ...request)
  const first = async (path) => (await director('GET', path)).items[0]
  const create = async (path, operation, changes = {}) =>
    (await director('POST', path, { ...examples(operation), ...changes })).id
  const technician = await call('technician', 'GET', '/me')

  const ticket = async (state) => {
    const { id } = await call('requester', 'POST', '/tickets', { subject: 'La impresora no imprime', description: 'Muestra atasco.' })
    for (const [step, body] of stepsTo(state, technician.id)) await call('technician', 'POST', `/tickets/${id}/${step}`, body)
    return id
  }
  // The ticket that examples name as `into` and `ticket_id`.
  assert.equal(await ticket('received'), 1)
  const open = await ticket('in_progress')
  const related = await ticket('received')
  const entry = (visibility) => director('POST', `/tickets/${open}/followups`, { visibility, body: 'Es el conmutador.' })
  const person = (email) => director('POST', '/users', { ...examples('createUser'), email, role: 'requester', document_id: email })
  const indicator = await create('/indicators', 'createIndicator', { name: 'Disponibilidad del correo' })
  const measured = (await director('GET', '/indicators')).items.find((one) => one.measure === 'satisfaction').id
  const measurement = (await director('POST', `/indicators/${measured}/measurements`, { year: 2026, quarter: 2 })).id
  await director('PATCH', `/measurements/${measurement}`, { analysis: 'Sin encuestas.' })
  const refused = await person(refusedAddress)
  await director('POST', `/users/${refused.id}/password-reset`)
  const form = new FormData()
  form.append('file', new File(['La placa es 10432.'], 'nota.txt', { type: 'text/plain' }))
  const mail = (text) => director('POST', '/inbound-emails', text, 'message/rfc822')
  const absence = { kind: 'course', starts_at: '2030-01-07T13:00:00Z', ends_at: '2030-01-08T13:00:00Z' }
  const followup = (await entry('private')).id
  await director('POST', `/tickets/${open}/watchers`, { user_id: technician.id })
  const escalated = await ticket('escalated')
  const granted = await ticket('in_progress')
  const access_grants = [{ beneficiary: 'Luz Elena Toro', system: 'Sistema de impuestos', profile: 'Consulta' }]
  await call('technician', 'POST', `/tickets/${granted}/solution`, { description: 'Se creó la cuenta.', access_grants })
  const action = await create('/improvement-actions', 'createImprovementAction')
  const progress = await create(`/improvement-actions/${action}/followups`, 'createImprovementActionFollowup')

  const machine = await create('/service-accounts', 'createServiceAccount')
  const newKey = async (path) => (await director('POST', path, {})).id
  // A name that is never resolved: what is sent there is tried again.
  const webhook = (await director('POST', '/webhooks', { url: 'https://receptor.invalid/mesa' })).id
  const exported = (await director('POST', '/tickets/exports', { format: 'csv' })).id
  await endOfJob(director, exported)
  const common = {
    job_id: exported,
    webhook_id: webhook,
    delivery_id: (await director('POST', `/webhooks/${webhook}/test`, {})).id,
    service_account_id: machine,
    key_id: await newKey(`/service-accounts/${machine}/keys`),
    ticket_id: open,
    followup_id: followup,
    attachment_id: (await director('POST', `/tickets/${open}/attachments`, form)).id,
    email_id: (await mail('From: requester@mesa.test\n\nDesde ayer no hay red.')).id,
    relation_id: (await director('POST', `/tickets/${open}/relations`, { kind: 'caused_by', ticket_id: related })).id,
    article_id: await create('/kb/articles', 'createArticle'),
    calendar_id: await create('/calendars', 'createCalendar', { name: 'Noches', opening_hours: '22:00-06:00' }),
    holiday_id: await create('/holidays', 'createHoliday', { name: 'Fiesta local', day: 21 }),
    access_grant_id: (await first(`/audit/access-grants?ticket_id=${granted}`)).id,
    indicator_id: indicator,
    measurement_id: measurement,
    user_id: technician.id,
    absence_id: (await director('POST', `/users/${technician.id}/absences`, absence)).id,
    tree_size: (await first('/audit/heads')).tree_size,
    event_id: (await first('/audit/log')).id,
    question_id: (await first('/survey-questions')).id,
    criticality: 'low',
    kind: 'surveys',
    revision: 1,
    action_id: action,
    year: 2020,
    quarter: 3,
  }
  // Other ids: a resource is created from the example of its collection, with another name.
  for (const path of Object.keys(contract.paths)) {
    const [, collection, name] = path.match(/^\/api\/v1(\/[^{]+)\/\{(\w+)\}/) ?? []
    const operation = contract.paths[`/api/v1${collection}`]?.post?.operationId
    if (!operation || name in common || name === 'message_id') continue
    const example = examples(operation)
    common[name] = await create(collection, operation, example.name && { name: `${example.name} (otra)` })
  }
  const requester = (await person('rosa.perez@example.gov.co')).id
  await director('POST', `/users/${requester}/password-reset`)
  const solved = await ticket('solved')
  const answer = await mail(`From: requester@mesa.test\nSubject: Re: [#${open}] Sin red\n\nYa quedó.`)
  const survey = await mailbox.find(/\/s\/([\w-]+)/)
  const ownKey = (await director('POST', '/me/keys', examples('createMyKey'))).id
  const special = {
    createIndicatorMeasurement: { indicator_id: measured },
    anonymizeUser: { user_id: requester },
    previewUserAnonymization: { user_id: requester },
    getTicketEscalation: { ticket_id: escalated, escalation_id: (await first(`/tickets/${escalated}/escalations`)).id },
    getTicketFollowupOriginal: { ticket_id: open, followup_id: answer.followup_id },
    getImprovementActionFollowup: { action_id: action, followup_id: progress },
    // The report of the other quarter is approved.
    updateQuarterlyReportNarrative: { year: 2020, quarter: 2 },
    getSurvey: { survey_id: (await director('GET', `/tickets/${solved}/survey`)).id },
    cancelJob: { job_id: await canceledJob(director) },
    getMyKey: { key_id: ownKey },
    deleteMyKey: { key_id: ownKey },
    getSurveyLink: { token: survey },
    answerSurveyLink: { token: survey },
    processInboundEmail: { email_id: (await mail('Subject: Sin remitente\n\nDesde ayer no hay red.')).id },
  }
  return {
    /** The values of the path parameters of an operation. */
    async pathOf(operation) {
      const state = STATES[operation]
      const values = { ...common, ...(state && { ticket_id: await ticket(state) }), ...special[operation] }
      if (/Message$/.test(operation)) values.message_id = await failedMessage(director)
      return values
    },
  }
}

async function endOfJob(director, id) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { finished_at } = await director('GET', `/jobs/${id}`)
    if (finished_at) return
    await new Promise((done) => setTimeout(done, 200))
  }
  throw new Error('a job has not ended')
}

/** A job that was canceled; another one may have ended before. */
async function canceledJob(director) {
  for (let tries = 0; tries < 10; tries += 1) {
    const { id } = await director('POST', '/tickets/exports', { format: 'xlsx' })
    try {
      return (await director('POST', `/jobs/${id}/cancellation`, {})).id
    } catch {}
  }
  throw new Error('no job could be canceled')
}

async function failedMessage(director) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { items } = await director('GET', '/messages?status=failed')
    if (items[0]) return items[0].id
    await new Promise((done) => setTimeout(done, 200))
  }
  throw new Error('no message has failed')
}
