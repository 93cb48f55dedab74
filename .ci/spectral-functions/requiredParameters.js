// An operation has these parameters. Options: `names`; `exceptions`: paths of the contract.
export default function requiredParameters(operation, { names, exceptions = [] }, context) {
  const [, route] = context.path
  if (exceptions.includes(route)) return
  const shared = context.documentInventory.resolved.paths[route].parameters ?? []
  const present = [...shared, ...(operation.parameters ?? [])].map(({ name }) => name)
  return names
    .filter((name) => !present.includes(name))
    .map((name) => ({ message: `\`${operation.operationId}\` has no parameter \`${name}\`` }))
}
