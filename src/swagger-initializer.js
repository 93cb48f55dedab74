// How Swagger UI starts. Its own way of starting asks validator.swagger.io about the contract, and keeps the password that
// somebody authorized with in the browser's storage.
window.onload = () => {
  // What is kept for the next visit: who it is, and the access token, which is good for minutes.
  const keepNoPassword = () => ({
    statePlugins: {
      auth: {
        wrapActions: {
          authorizeOauth2: (authorize) => ({ auth, token }) => {
            const { access_token, token_type } = token
            return authorize({ auth: { ...auth, password: '' }, token: { access_token, token_type } })
          },
        },
      },
    },
  })
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
  })
}
