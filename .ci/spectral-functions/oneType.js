import { isObject, kinds, nameAt, reached, written } from './contract.js'

// Properties with the same name have the same type and format in all schemas. Reports each use that differs from the
// most frequent one. Options: `exceptions`: `property`, `Schema.property`, or `Schema.*`.
export default function oneType(paths, { exceptions = [] }, context) {
  const contract = written(context)
  const uses = new Map()
  for (const { schema, path } of reached(contract, [{ value: paths, path: ['paths'] }]).values()) {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const kind = isObject(property) ? kinds(contract, property).join(' or ') : ''
      const forms = [name, `${nameAt(path)}.${name}`, `${nameAt(path)}.*`]
      if (kind === '' || forms.some((form) => exceptions.includes(form))) continue
      if (!uses.has(name)) uses.set(name, new Map())
      const byKind = uses.get(name)
      byKind.set(kind, [...(byKind.get(kind) ?? []), [...path, 'properties', name]])
    }
  }
  const results = []
  for (const [name, byKind] of uses) {
    const [[usual], ...others] = [...byKind].sort((one, other) => other[1].length - one[1].length)
    for (const [kind, places] of others) {
      const message = `\`${name}\` is ${kind}; elsewhere it is ${usual}`
      results.push(...places.map((path) => ({ message, path })))
    }
  }
  return results
}
