import { directions, isObject, kinds, nameAt, types, written } from './contract.js'

const scalar = /^(boolean|integer|number|string)( |$)/
const isObjectSchema = (schema) => types(schema).includes('object')

const checks = {
  // Object schemas of request bodies accept no unknown fields.
  closedRequests: (contract, { requests }) =>
    [...requests.values()]
      .filter(({ schema }) => isObjectSchema(schema) && schema.additionalProperties !== false)
      .map(({ path }) => ({ path, message: 'An object of a request body must have `additionalProperties: false`' })),

  // Schemas that only responses use can get more fields.
  openResponses: (contract, { requests, responses }) =>
    [...responses]
      .filter(([key, { schema }]) => !requests.has(key) && schema.additionalProperties === false)
      .map(([, { path }]) => ({ path, message: 'An object of a response cannot have `additionalProperties: false`' })),

  // A schema with fields or items belongs to requests or to responses.
  oneDirection: (contract, { requests, responses }) =>
    [...responses]
      .filter(([key, { path }]) => requests.has(key) && nameAt(path))
      .filter(([, { schema }]) => !kinds(contract, schema).every((kind) => scalar.test(kind)))
      .map(([, { path }]) => ({ path, message: `\`${nameAt(path)}\` is used in requests and in responses` })),

  // An object of a response with a list in `items` is a page.
  pages: (contract, { responses }) =>
    [...responses.values()]
      .filter(({ schema }) => isObject(schema.properties?.items) && types(schema.properties.items).includes('array'))
      .filter(({ schema }) => !schema.properties.next_cursor || !schema.required?.includes('next_cursor'))
      .map(({ path }) => ({ path, message: 'An object with a list in `items` must have a required `next_cursor`' })),
}

// Rules about the direction in which a schema is used. Options: `check`: one of the above; `exceptions`: schemas.
export default function direction(contract, { check, exceptions = [] }, context) {
  const document = written(context)
  return checks[check](document, directions(document)).filter(({ path }) => !exceptions.includes(nameAt(path)))
}
