import { field } from './field.js'

// A property or parameter with one of these values has a name of this form.
// Options: `values`: types with formats; `name`: a regular expression; `exceptions`: names.
export default function nameOfValue(target, { values, name: form, exceptions = [] }, context) {
  const { name, kinds } = field(target, context)
  const kind = kinds.find((each) => values.includes(each))
  if (!kind || exceptions.includes(name) || new RegExp(form).test(name)) return
  return [{ message: `\`${name}\` is a ${kind}: its name must match ${form}` }]
}
