import { choices, kinds, written } from './contract.js'

// The value is hours and minutes: a pattern without a format that accepts 23:59 and rejects other texts.
const isClock = ({ format, pattern }) =>
  !format && pattern && new RegExp(pattern, 'u').test('23:59') && !new RegExp(pattern, 'u').test('ab:cd')

// The name, the types and formats, and the owner of a property or parameter. The owner is the schema that is named.
export function field(target, context) {
  const contract = written(context)
  const parameter = typeof target?.in === 'string'
  const schema = parameter ? target.schema : target
  const clock = [...choices(contract, schema)].some(isClock)
  return {
    name: parameter ? target.name : String(context.path.at(-1)),
    owner: context.path[1] === 'schemas' ? context.path[2] : undefined,
    kinds: clock ? ['string (clock time)'] : kinds(contract, schema),
  }
}
