import {Violation} from '../violation.js'
import {keyOf} from './local-copy.js'
import type {Machine} from './machine.js'
import type {SyncWorld} from './world.js'

/** Everything that was promised before the pull began is here, nothing twice, and nothing that was here has gone. */
export function checkPulled(
  {ledger: {limbo}}: SyncWorld,
  {name, copy}: Machine,
  owed: readonly string[],
  present: ReadonlySet<string>,
): void {
  const keys = copy.lines.map(keyOf)
  const here = new Set(keys)
  const missing = owed.filter((key) => !here.has(key) && !limbo.has(key))
  if (missing.length > 0) throw new Violation(`C2 a pull to ${name} lacks ${missing.join(' ')}`)
  const gone = [...present].filter((key) => !here.has(key))
  if (gone.length > 0) throw new Violation(`a pull to ${name} took away ${gone.join(' ')}`)
  const messages = keys.filter((key) => key.startsWith('uuid:'))
  const twice = messages.filter((key, index) => messages.indexOf(key) !== index)
  if (twice.length > 0) throw new Violation(`C2 a pull to ${name} brings twice ${twice.join(' ')}`)
}
