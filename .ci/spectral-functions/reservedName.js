import { field } from './field.js'

// A property does not have one of these names. Options: `names`; `exceptions`: `Schema.property`.
export default function reservedName(target, { names, exceptions = [] }, context) {
  const { name, owner } = field(target, context)
  if (!names.includes(name) || exceptions.includes(`${owner}.${name}`)) return
  return [{ message: `\`${name}\` is too general: the name must say what the value is` }]
}
