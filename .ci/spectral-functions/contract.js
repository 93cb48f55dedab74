// Shared by the functions of this folder: finds the schemas of a contract and follows its references.
const VALUES = new Set(['const', 'default', 'enum', 'example', 'examples'])

export const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)

// The contract as it is written, with its references.
export const written = (context) => context.documentInventory.unresolved

// The types of a schema, without `null`.
export const types = (schema) =>
  [schema.type ?? (schema.properties ? 'object' : [])].flat().filter((type) => type !== 'null')

// The target of a reference within the contract, and its path.
export function follow(contract, reference) {
  const path = reference
    .split('/')
    .slice(1)
    .map((key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'))
  return { path, value: path.reduce((value, key) => value?.[key], contract) }
}

// The schemas that a value can have: references, `oneOf`, `anyOf` and `allOf` are followed; `null` is left out.
export function* choices(contract, schema) {
  if (schema?.$ref) yield* choices(contract, follow(contract, schema.$ref).value)
  if (!isObject(schema)) return
  if (types(schema).length > 0) yield schema
  for (const key of ['oneOf', 'anyOf', 'allOf']) for (const each of schema[key] ?? []) yield* choices(contract, each)
}

// The types and formats of a value, such as `string (date-time)` or `array of integer (int64)`.
export function kinds(contract, schema) {
  const found = new Set()
  for (const choice of choices(contract, schema)) {
    for (const type of types(choice)) {
      if (type === 'array') for (const item of kinds(contract, choice.items)) found.add(`array of ${item}`)
      else found.add(choice.format ? `${type} (${choice.format})` : type)
    }
  }
  return [...found].sort()
}

function* parts(schema) {
  for (const key of ['properties', 'patternProperties', '$defs', 'dependentSchemas']) {
    for (const [name, part] of Object.entries(schema[key] ?? {})) yield [[key, name], part]
  }
  for (const key of ['oneOf', 'anyOf', 'allOf', 'prefixItems']) {
    for (const [index, part] of (schema[key] ?? []).entries()) yield [[key, index], part]
  }
  for (const key of ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']) {
    if (isObject(schema[key])) yield [[key], schema[key]]
  }
}

// All schemas that can be reached from these parts of the contract, with their paths, by their paths as text.
export function reached(contract, starts) {
  const found = new Map()
  const seen = new Set()
  const addSchema = (schema, path) => {
    const key = JSON.stringify(path)
    if (!isObject(schema) || found.has(key)) return
    found.set(key, { schema, path })
    if (schema.$ref) {
      const target = follow(contract, schema.$ref)
      addSchema(target.value, target.path)
    }
    for (const [below, part] of parts(schema)) addSchema(part, [...path, ...below])
  }
  const visit = (value, path) => {
    if (value === null || typeof value !== 'object') return
    if (typeof value.$ref === 'string') {
      const target = follow(contract, value.$ref)
      if (!seen.has(value.$ref)) visit(target.value, (seen.add(value.$ref), target.path))
      return
    }
    for (const [key, part] of Object.entries(value)) {
      if (key === 'schema') addSchema(part, [...path, key])
      else if (!VALUES.has(key) && !key.startsWith('x-')) visit(part, [...path, key])
    }
  }
  for (const { value, path } of starts) visit(value, path)
  return found
}

// The schemas of the bodies of requests, and those of responses.
export function directions(contract) {
  const requests = []
  const responses = []
  for (const [route, item] of Object.entries(contract.paths ?? {})) {
    for (const [method, operation] of Object.entries(item)) {
      const path = ['paths', route, method]
      if (!isObject(operation)) continue
      if (operation.requestBody) requests.push({ value: operation.requestBody, path: [...path, 'requestBody'] })
      if (operation.responses) responses.push({ value: operation.responses, path: [...path, 'responses'] })
    }
  }
  return { requests: reached(contract, requests), responses: reached(contract, responses) }
}

// The name of a schema of `components/schemas`; `undefined` for a schema within another one or within an operation.
export const nameAt = (path) =>
  path.length === 3 && path[0] === 'components' && path[1] === 'schemas' ? path[2] : undefined
