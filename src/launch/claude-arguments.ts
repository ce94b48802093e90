/** One flag among claude's arguments, by its long name where it has one that matters here. */
export interface ClaudeFlag {
  /** As written: `--resume`, or `-r` for one letter of a cluster. */
  readonly name: string
  /** Where it stands. */
  readonly index: number
  /** Its value: what follows `=`, what follows a letter, or the next argument. Undefined when it has none. */
  readonly value?: string
  /** How many arguments the flag and its value take. */
  readonly length: number
}

/** Take the next argument whatever it looks like: a prompt that begins with a dash is no flag there. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  '--add-dir',
  '--agent',
  '--agents',
  '--allowedTools',
  '--allowed-tools',
  '--append-system-prompt',
  '--append-system-prompt-file',
  '--autocompact',
  '--betas',
  '--debug-file',
  '--disallowedTools',
  '--disallowed-tools',
  '--effort',
  '--environment',
  '--fallback-model',
  '--file',
  '--input-format',
  '--json-schema',
  '--max-budget-usd',
  '--max-turns',
  '--mcp-config',
  '--model',
  '--name',
  '-n',
  '--output-format',
  '--permission-mode',
  '--permission-prompt-tool',
  '--permission-prompts',
  '--plugin-dir',
  '--plugin-url',
  '--remote-control-session-name-prefix',
  '--session-id',
  '--setting-sources',
  '--settings',
  '--system-prompt',
  '--system-prompt-file',
  '--system-prompt-snapshot',
  '--tools',
])

/** Letters that need no value; after any other the rest of a cluster is its value. */
const SWITCHES: ReadonlySet<string> = new Set(['-p', '-c', '-h', '-v'])

/** The flags as claude's own parser reads them: clusters of letters, `--flag=value`, and nothing after `--`. */
export function* readFlags(args: readonly string[]): Generator<ClaudeFlag> {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? ''
    if (argument === '--') return
    if (!argument.startsWith('-') || argument === '-') continue
    for (const flag of flagsIn(argument, index, args[index + 1])) {
      yield flag
      index += flag.length - 1
    }
  }
}

function* flagsIn(argument: string, index: number, next: string | undefined): Generator<ClaudeFlag> {
  if (argument.startsWith('--')) {
    const equals = argument.indexOf('=')
    if (equals === -1) yield withNext(argument, index, next)
    else yield {name: argument.slice(0, equals), value: argument.slice(equals + 1), index, length: 1}
    return
  }
  for (let at = 1; at < argument.length; at++) {
    const name = `-${argument[at]}`
    const rest = argument.slice(at + 1)
    if (SWITCHES.has(name)) yield {name, index, length: 1}
    else if (rest === '') yield withNext(name, index, next)
    else yield {name, value: rest, index, length: 1}
    if (!SWITCHES.has(name)) return
  }
}

function withNext(name: string, index: number, next: string | undefined): ClaudeFlag {
  return WITH_VALUE.has(name) && next !== undefined ? {name, value: next, index, length: 2} : {name, index, length: 1}
}
