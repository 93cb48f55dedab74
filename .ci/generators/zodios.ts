// openapi-zod-client: zod schemas with which Zodios checks each request and each answer.
import { createApiClient } from './zodios/mesa'
import { baseUrl, walk } from './walk'

const signIn = async (username: string, password: string) =>
  (await createApiClient(baseUrl).issueToken({ grant_type: 'password', username, password })).access_token

await walk('openapi-zod-client', signIn, (token) => {
  const mesa = createApiClient(baseUrl, { axiosConfig: { headers: { Authorization: `Bearer ${token}` } } })
  const path = (ticket_id: number) => ({ params: { ticket_id } })
  return {
    me: () => mesa.getMe(),
    register: (body) => mesa.createTicket(body),
    classify: (id, body) => mesa.classifyTicket(body, path(id)),
    assign: (id, body) => mesa.assignTicket(body, path(id)),
    accept: (id, body) => mesa.acceptTicket(body, path(id)),
    addFollowup: (id, body) => mesa.createTicketFollowup(body, path(id)),
    attach: (id, file) => mesa.createTicketAttachment({ file }, path(id)),
    solve: (id, body) => mesa.solveTicket(body, path(id)),
    close: (id) => mesa.closeTicket({}, path(id)),
    timeline: (id) => mesa.listTicketTimeline(path(id)),
  }
})
