// How Swagger UI starts. Its own way of starting asks validator.swagger.io about the contract, and keeps the password that
// somebody authorized with in the browser's storage.
window.onload = () => {
  // What gets the next access token, which is good for minutes; all tabs share it, for it is of use once.
  const KEPT = 'mesa.session'
  const keep = ({ access_token, refresh_token, expires_in }) =>
    localStorage.setItem(KEPT, JSON.stringify({ access_token, refresh_token, until: Date.now() + expires_in * 1000 }))
  const kept = () => JSON.parse(localStorage.getItem(KEPT))
  const forget = () => localStorage.removeItem(KEPT)
  // Browsers have no locks on pages without TLS: there two tabs are unlikely to renew in the same moment.
  const oneTabAtATime = (work) => (navigator.locks ? navigator.locks.request(KEPT, work) : work())

  const keepNoPassword = () => ({
    statePlugins: {
      auth: {
        wrapActions: {
          authorizeOauth2: (authorize) => ({ auth, token }) => {
            keep(token)
            const { access_token, token_type } = token
            return authorize({ auth: { ...auth, password: '' }, token: { access_token, token_type } })
          },
          logoutWithPersistOption: (logout) => (names) => {
            const session = names.includes('password') ? kept() : undefined
            if (session) {
              forget()
              fetch('/api/v1/auth/logout', {
                method: 'POST',
                headers: { 'Content-Type': 'application/json' },
                body: JSON.stringify({ refresh_token: session.refresh_token }),
              })
            }
            return logout(names)
          },
        },
      },
    },
  })

  /** The access token of whoever signed in, a new one where it is about to end. */
  const current = () =>
    oneTabAtATime(async () => {
      const session = kept()
      if (!session || session.until - Date.now() > 60_000) return session?.access_token
      const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: session.refresh_token })
      const answer = await fetch('/api/v1/auth/token', { method: 'POST', body: form })
      if (answer.ok) {
        keep(await answer.json())
        return kept().access_token
      }
      // The sign-in is over, and the padlock shows it; else the desk is busy, and there is a next time.
      if (answer.status === 401) {
        forget()
        window.ui.authActions.logoutWithPersistOption(['password'])
      }
      return session.access_token
    })

  const ORDER = ['classifyTicket', 'assignTicket', 'acceptTicket', 'rescheduleTicket', 'requestInformation', 'holdTicket',
    'resumeTicket', 'solveTicket', 'closeTicket', 'reopenTicket', 'archiveTicket', 'resubmitTicket']
  /** Steps in the order of the procedure, then what is not one of them by path. */
  const byProcedure = (one, other) => {
    const place = (operation) => (ORDER.indexOf(operation.getIn(['operation', 'operationId'])) + 1 || ORDER.length + 1)
    return place(one) - place(other) || one.get('path').localeCompare(other.get('path'))
  }

  window.ui = SwaggerUIBundle({
    dom_id: '#swagger-ui',
    url: '/openapi.json',
    validatorUrl: null,
    deepLinking: true,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [keepNoPassword],
    layout: 'BaseLayout',
    operationsSorter: byProcedure,
    requestInterceptor: async (request) => {
      // A token that was typed in is not ours to renew, and nobody signs in by one.
      const shown = window.ui?.authSelectors.authorized().toJS().password?.token.access_token
      if (!shown || request.headers.Authorization !== `Bearer ${shown}` || request.url.includes('/auth/')) return request
      request.headers.Authorization = `Bearer ${(await current()) ?? shown}`
      return request
    },
  })
}
