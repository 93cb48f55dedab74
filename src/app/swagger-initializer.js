// The start script of Swagger UI. The default one sends the contract to validator.swagger.io, and stores the user's password in
// the browser.
window.onload = () => {
  // The refresh token and the access token, which is valid for minutes; shared by all tabs, because a refresh token is used once.
  const KEPT = 'mesa.session'
  const keep = ({ access_token, refresh_token, expires_in }) =>
    localStorage.setItem(KEPT, JSON.stringify({ access_token, refresh_token, until: Date.now() + expires_in * 1000 }))
  const kept = () => JSON.parse(localStorage.getItem(KEPT))
  const forget = () => localStorage.removeItem(KEPT)
  // Browsers have no locks on pages without TLS: two tabs are unlikely to refresh at the same moment.
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

  /** The access token of the user, a new one if it is about to expire. */
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
      // The sign-in has ended, and the padlock shows it; after any other error the next request tries again.
      if (answer.status === 401) {
        forget()
        window.ui.authActions.logoutWithPersistOption(['password'])
      }
      return session.access_token
    })

  const ORDER = ['classifyTicket', 'assignTicket', 'acceptTicket', 'rescheduleTicket', 'requestTicketInformation', 'holdTicket',
    'resumeTicket', 'solveTicket', 'closeTicket', 'reopenTicket', 'archiveTicket', 'resubmitTicket']
  /** Steps in the order of the procedure, then other operations by path. */
  const byProcedure = (one, other) => {
    const place = (operation) => (ORDER.indexOf(operation.getIn(['operation', 'operationId'])) + 1 || ORDER.length + 1)
    const [path, otherPath] = [one.get('path'), other.get('path')]
    return place(one) - place(other) || (path < otherPath ? -1 : Number(path > otherPath))
  }

  /** The filter matches path, summary and operationId of an operation, and the name of a tag. */
  const searchOperations = () => ({
    fn: {
      opsFilter: (tags, phrase) => {
        const words = phrase.toLowerCase().split(/\s+/)
        const matches = (...texts) => words.every((word) => texts.some((text) => text?.toLowerCase().includes(word)))
        const matching = (entry) => {
          const operation = entry.get('operation')
          return matches(entry.get('path'), operation.get('summary'), operation.get('operationId'))
        }
        return tags
          .map((tag, name) => (matches(name) ? tag : tag.update('operations', (all) => all.filter(matching))))
          .filter((tag) => tag.get('operations').size > 0)
      },
    },
  })

  /**
   * Resolves the references of an operation when it is opened. The resolver of Swagger UI processes the whole document each
   * time, which takes seconds; this one follows the references of the operation only, and keeps one copy of each target.
   * Error responses are shown by their description: all of them have the schema `Problem`.
   */
  const resolveReferences = () => {
    let document
    let targets
    const find = (reference) =>
      document.getIn(reference.slice(2).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')))
    const resolve = (value, above) => {
      if (typeof value?.map !== 'function') return value
      const reference = typeof value.get === 'function' ? value.get('$ref') : undefined
      if (typeof reference !== 'string' || !reference.startsWith('#/')) return value.map((inner) => resolve(inner, above))
      if (above.includes(reference)) return value
      if (!targets.has(reference)) {
        const target = resolve(find(reference), [...above, reference])
        targets.set(reference, target.set('$$ref', reference))
      }
      // Members next to the reference take precedence, such as a description.
      return targets.get(reference).merge(value.delete('$ref'))
    }
    const withoutProblem = (response, status) =>
      /^[45]/.test(status) ? response.delete('content').delete('headers') : response
    return {
      statePlugins: {
        spec: {
          wrapActions: {
            requestResolvedSubtree: (_, { specSelectors, specActions }) => (path) => {
              if (document !== specSelectors.specJson()) {
                document = specSelectors.specJson()
                targets = new Map()
              }
              const resolved = resolve(document.getIn(path), [])
              const isOperation = path[0] === 'paths' && path.length === 3
              return specActions.updateResolvedSubtree(
                path,
                isOperation ? resolved.update('responses', (all) => all.map(withoutProblem)) : resolved,
              )
            },
          },
        },
      },
    }
  }

  window.ui = SwaggerUIBundle({
    dom_id: '#swagger-ui',
    url: '/openapi.json',
    validatorUrl: null,
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [keepNoPassword, searchOperations, resolveReferences],
    layout: 'BaseLayout',
    operationsSorter: byProcedure,
    requestInterceptor: async (request) => {
      // A token that the user entered is not refreshed, and sign-in requests need no token.
      const shown = window.ui?.authSelectors.authorized().toJS().password?.token.access_token
      if (!shown || request.headers.Authorization !== `Bearer ${shown}` || request.url.includes('/auth/')) return request
      request.headers.Authorization = `Bearer ${(await current()) ?? shown}`
      return request
    },
  })
}
