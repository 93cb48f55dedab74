// Query parameters with one of two endings come in pairs. Options: `endings`, such as `_from` and `_before`;
// `exceptions`: names of parameters without the other one.
export default function pairedParameters(operation, { endings, exceptions = [] }) {
  const names = (operation.parameters ?? []).filter((each) => each.in === 'query').map(({ name }) => name)
  const results = []
  for (const [ending, other] of [endings, [...endings].reverse()]) {
    for (const name of names) {
      if (!name.endsWith(ending) || exceptions.includes(name)) continue
      const partner = name.slice(0, -ending.length) + other
      if (!names.includes(partner)) {
        results.push({ message: `\`${operation.operationId}\` has \`${name}\` but not \`${partner}\`` })
      }
    }
  }
  return results
}
