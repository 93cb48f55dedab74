// How Swagger UI starts. Its own way of starting asks validator.swagger.io about the contract, and keeps the password that
// somebody authorized with in the browser's storage.
window.onload = () => {
  // Beside the access token, which is good for minutes: what gets the next one, for as long as this tab is open.
  const KEPT = 'mesa.session'
  const keep = ({ refresh_token, expires_in }) =>
    sessionStorage.setItem(KEPT, JSON.stringify({ refresh_token, until: Date.now() + expires_in * 1000 }))
  const kept = () => JSON.parse(sessionStorage.getItem(KEPT))

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
            const session = kept()
            sessionStorage.removeItem(KEPT)
            if (session) {
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

  /** Signs in once more where the access token is about to end; requests at the same time share it. */
  let renewal
  const renew = async () => {
    const session = kept()
    if (!session || session.until - Date.now() > 60_000) return
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: session.refresh_token })
    const answer = await fetch('/api/v1/auth/token', { method: 'POST', body: form })
    if (!answer.ok) return sessionStorage.removeItem(KEPT)
    const token = await answer.json()
    const auth = window.ui.authSelectors.authorized().toJS().password
    if (auth) window.ui.authActions.authorizeOauth2WithPersistOption({ auth, token })
    return token.access_token
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
    requestInterceptor: async (request) => {
      if (!request.headers.Authorization || request.url.includes('/auth/')) return request
      renewal ??= renew().finally(() => (renewal = undefined))
      const token = await renewal
      if (token) request.headers.Authorization = `Bearer ${token}`
      return request
    },
  })
}
