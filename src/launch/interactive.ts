import {readFlags} from './claude-arguments.js'

/** Whether claude would print an answer and end (`-p`, `--print`) instead of talking on the terminal. */
export function isPrintMode(args: readonly string[]): boolean {
  return [...readFlags(args)].some(({name}) => name === '-p' || name === '--print')
}
