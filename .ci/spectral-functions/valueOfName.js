import { field } from './field.js'

// A property or parameter with a name of this form has one of these values.
// Options: `name`: a regular expression; `values`: types, with or without a format; `schemas`: accepted references;
// `exceptions`: names.
export default function valueOfName(target, { name: form, values, schemas = [], exceptions = [] }, context) {
  const { name, kinds } = field(target, context)
  if (exceptions.includes(name) || !new RegExp(form).test(name)) return
  if (schemas.some((schema) => target.$ref === `#/components/schemas/${schema}`)) return
  const accepted = (kind) => values.includes(kind) || values.includes(kind.replace(/ \(.*/, ''))
  if (kinds.length > 0 && kinds.every(accepted)) return
  return [{ message: `\`${name}\` is ${kinds.join(' or ') || 'any value'}: it must be ${values.join(' or ')}` }]
}
