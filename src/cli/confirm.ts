import {createInterface} from 'node:readline/promises'
import {RepriseError} from '../base/errors.js'
import {sanitizeLine} from '../view/sanitize.js'
import type {Screen} from './screen.js'

export interface ConfirmOptions {
  readonly screen: Pick<Screen, 'interactive'>
  /** The flag that answers yes, named where nobody can be asked: `--yes`. */
  readonly flag: string
  readonly signal: AbortSignal
}

/**
 * Asks on stderr; only `y` or `yes` means yes.
 * @throws INPUT_NEEDED (usage) where nobody is there to answer.
 */
export async function confirm(question: string, options: ConfirmOptions): Promise<boolean> {
  if (!options.screen.interactive) throw inputNeeded(question, options.flag)
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  try {
    const answer = await terminal.question(`${sanitizeLine(question)} [y/N] `, {signal: options.signal})
    return /^y(?:es)?$/iu.test(answer.trim())
  } finally {
    terminal.close()
  }
}

export function inputNeeded(question: string, flag: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'INPUT_NEEDED',
    message: `There is no terminal to ask on: ${question}`,
    suggestions: [`Give ${flag}.`],
  })
}
