// orval: functions that call `fetch` and return body and status.
import assert from 'node:assert/strict'
import * as mesa from './orval/mesa'
import { walk } from './walk'

/** Returns the body of a successful answer. */
function ok<Answer extends { status: number; data: unknown }>(answer: Answer): Extract<Answer, { status: 200 | 201 }>['data'] {
  assert([200, 201].includes(answer.status), `${answer.status}: ${JSON.stringify(answer.data)}`)
  return answer.data
}

const signIn = async (username: string, password: string) =>
  ok(await mesa.issueToken({ grant_type: 'password', username, password })).access_token

await walk('orval', signIn, (token) => {
  const options = { headers: { Authorization: `Bearer ${token}` } }
  return {
    me: async () => ok(await mesa.getMe(options)),
    register: async (body) => ok(await mesa.createTicket(body, options)),
    classify: async (id, body) => ok(await mesa.classifyTicket(id, body, options)),
    assign: async (id, body) => ok(await mesa.assignTicket(id, body, options)),
    accept: async (id, body) => ok(await mesa.acceptTicket(id, body, options)),
    addFollowup: async (id, body) => ok(await mesa.createTicketFollowup(id, body, options)),
    attach: async (id, file) => ok(await mesa.createTicketAttachment(id, { file }, options)),
    solve: async (id, body) => ok(await mesa.solveTicket(id, body, options)),
    close: async (id) => ok(await mesa.closeTicket(id, {}, options)),
    timeline: async (id) => ok(await mesa.listTicketTimeline(id, undefined, options)),
  }
})
