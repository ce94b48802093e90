import {RepriseError} from '../base/errors.js'
import type {Inspect} from './inspect.js'
import {createSecretScanner, type Finding} from './secrets.js'

/** Shown of one file in an error; the rest is counted. */
const SHOWN = 5

/**
 * Looks for secrets in what is about to leave this machine.
 *
 * @param found told of each finding once, however often the bytes are looked at; with `warn` nothing else happens.
 */
export async function inspectSecrets(mode: 'warn' | 'block', found: (text: string) => void): Promise<Inspect> {
  const scanner = await createSecretScanner()
  const told = new Set<string>()
  const tell = (text: string): void => {
    if (told.has(text)) return
    told.add(text)
    found(text)
  }
  return async (chunks, target) => {
    const {findings, more} = await scanner.scan(chunks, target)
    if (findings.length === 0) return
    if (mode === 'block') throw secretsFound(target.file, findings, more)
    for (const finding of findings) tell(textOf(finding))
    if (more > 0) tell(`${target.file} holds ${more} more texts that look like secrets`)
  }
}

function textOf({file, line, rule}: Finding): string {
  return `${file}:${line} looks like a secret (${rule})`
}

function secretsFound(file: string, findings: readonly Finding[], more: number): RepriseError {
  const count = findings.length + more
  const places = findings.slice(0, SHOWN).map(({line, rule}) => `line ${line} (${rule})`)
  const rest = count > places.length ? ` and ${count - places.length} more` : ''
  return new RepriseError({
    kind: 'bad-data',
    code: 'SECRETS_FOUND',
    message: `${file} looks as if it held secrets: ${places.join(', ')}${rest}; nothing of it was uploaded`,
    suggestions: ['Store it all the same, with a warning: --secrets warn', 'Do not look: --secrets off'],
    details: {file, findings: findings.map(({line, rule}) => ({line, rule})), more},
  })
}
