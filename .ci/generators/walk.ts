// Takes a ticket from registration to closure with every generated TypeScript client. An adapter calls the generated
// code and returns its types unchanged, so that `tsc --strict` compares the generated types with those below.
import assert from 'node:assert/strict'

export type Role = 'requester' | 'technician'

export type Ticket = {
  id: number
  status: string
  criticality: 'critical' | 'high' | 'medium' | 'low' | null
  assignee: { id: string; full_name: string } | null
}

/** The entries of a timeline are discriminated by `type`. */
export type TimelineEntry =
  | { type: 'event'; occurred_at: string; kind: string }
  | { type: 'escalation'; occurred_at: string; reason: string }
  | { type: 'followup'; occurred_at: string; body: string; visibility: 'public' | 'private' }
  | { type: 'attachment'; occurred_at: string; file_name: string }
  | { type: 'message'; occurred_at: string; kind: string }

/** The operations of one signed-in account. */
export interface Account {
  me(): Promise<{ id: string; full_name: string }>
  register(body: { subject: string; description: string }): Promise<Ticket>
  classify(ticket_id: number, body: { criticality: 'high' }): Promise<Ticket>
  assign(ticket_id: number, body: { assignee_id: string }): Promise<Ticket>
  accept(ticket_id: number, body: { scheduled_for: string }): Promise<Ticket>
  addFollowup(ticket_id: number, body: { visibility: 'public'; body: string }): Promise<{ id: string }>
  attach(ticket_id: number, file: File): Promise<{ file_name: string; size_bytes: number }>
  solve(ticket_id: number, body: { description: string }): Promise<Ticket>
  close(ticket_id: number): Promise<Ticket>
  timeline(ticket_id: number): Promise<{ items: TimelineEntry[] }>
}

/** Signs in with the OAuth 2 form; returns the access token. */
export type SignIn = (username: string, password: string) => Promise<string>

const { MESA_URL, MESA_DEMO_PASSWORD } = process.env
assert(MESA_URL && MESA_DEMO_PASSWORD)
export const baseUrl: string = MESA_URL
const password: string = MESA_DEMO_PASSWORD

/** Returns the value, which must be defined. */
export function present<Value>(value: Value | undefined): Value {
  assert(value !== undefined)
  return value
}

export async function walk(generator: string, signIn: SignIn, connect: (token: string) => Account): Promise<void> {
  const account = async (role: Role) => connect(await signIn(`${role}@mesa.test`, password))
  const [requester, technician] = [await account('requester'), await account('technician')]
  const me = await technician.me()

  const ticket = await requester.register({ subject: 'La impresora no imprime', description: 'Muestra atasco.' })
  assert.equal(ticket.status, 'received')
  assert.equal((await technician.classify(ticket.id, { criticality: 'high' })).criticality, 'high')
  assert.equal((await technician.assign(ticket.id, { assignee_id: me.id })).assignee?.full_name, me.full_name)
  const scheduled_for = new Date(Date.now() + 3_600_000).toISOString()
  assert.equal((await technician.accept(ticket.id, { scheduled_for })).status, 'in_progress')
  const body = 'Vamos a su oficina.'
  await technician.addFollowup(ticket.id, { visibility: 'public', body })
  const file = new File(['La placa es 10432.'], 'nota.txt', { type: 'text/plain' })
  assert.deepEqual(shape(await requester.attach(ticket.id, file)), { file_name: 'nota.txt', size_bytes: file.size })
  assert.equal((await technician.solve(ticket.id, { description: 'Se cambió el rodillo.' })).status, 'solved')
  assert.equal((await requester.close(ticket.id)).status, 'closed')

  const { items } = await technician.timeline(ticket.id)
  const followups = items.flatMap((entry) => (entry.type === 'followup' ? [entry.body] : []))
  const events = items.flatMap((entry) => (entry.type === 'event' ? [entry.kind] : []))
  const files = items.flatMap((entry) => (entry.type === 'attachment' ? [entry.file_name] : []))
  assert(followups.includes(body) && files.includes('nota.txt'))
  for (const kind of ['received', 'classified', 'assigned', 'accepted', 'solved', 'closed']) assert(events.includes(kind), kind)
  console.log(`${generator}: ticket ${ticket.id} from registration to closure`)
}

const shape = ({ file_name, size_bytes }: { file_name: string; size_bytes: number }) => ({ file_name, size_bytes })
