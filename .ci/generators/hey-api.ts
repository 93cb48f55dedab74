// @hey-api/openapi-ts: functions with a `fetch` client.
import { createClient, createConfig } from './hey-api/client'
import * as mesa from './hey-api/sdk.gen'
import { baseUrl, walk } from './walk'

const options = { throwOnError: true } as const

async function signIn(username: string, password: string): Promise<string> {
  const client = createClient(createConfig({ baseUrl }))
  const { data } = await mesa.issueToken({ client, body: { grant_type: 'password', username, password }, ...options })
  return data.access_token
}

await walk('@hey-api/openapi-ts', signIn, (token) => {
  const client = createClient(createConfig({ baseUrl, auth: token }))
  const path = (ticket_id: number) => ({ client, path: { ticket_id }, ...options })
  return {
    me: async () => (await mesa.getMe({ client, ...options })).data,
    register: async (body) => (await mesa.createTicket({ client, body, ...options })).data,
    classify: async (id, body) => (await mesa.classifyTicket({ ...path(id), body })).data,
    assign: async (id, body) => (await mesa.assignTicket({ ...path(id), body })).data,
    accept: async (id, body) => (await mesa.acceptTicket({ ...path(id), body })).data,
    addFollowup: async (id, body) => (await mesa.createTicketFollowup({ ...path(id), body })).data,
    attach: async (id, file) => (await mesa.createTicketAttachment({ ...path(id), body: { file } })).data,
    solve: async (id, body) => (await mesa.solveTicket({ ...path(id), body })).data,
    close: async (id) => (await mesa.closeTicket({ ...path(id), body: {} })).data,
    timeline: async (id) => (await mesa.listTicketTimeline(path(id))).data,
  }
})
