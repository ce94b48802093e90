import type {Environment} from './environment.js'

/** What the terminal can do, decided once. */
export interface Screen {
  /** Columns of stdout; 80 where it is no terminal and `COLUMNS` says nothing. */
  readonly columns: number
  readonly color: boolean
  /** stdout is a terminal: a table may fit itself to it. */
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  /** Somebody is there to answer: stdin and stderr are terminals, and `--no-input` was not given. */
  readonly interactive: boolean
}

export interface ScreenOptions {
  readonly env: Environment
  readonly noColor: boolean
  readonly noInput: boolean
}

export function lookAtScreen(options: ScreenOptions): Screen {
  const {stdin, stdout, stderr} = process
  const [input, output, errors] = [isTerminal(stdin), isTerminal(stdout), isTerminal(stderr)]
  return {
    columns: output ? stdout.columns || 80 : Number(options.env['COLUMNS']) || 80,
    color: wantsColor(options, output),
    stdoutIsTerminal: output,
    stderrIsTerminal: errors,
    interactive: input && errors && !options.noInput && options.env['CI'] === undefined,
  }
}

/** `--no-color`, then NO_COLOR (any value but an empty one), then FORCE_COLOR (any value but 0), then the terminal. */
export function wantsColor(options: Pick<ScreenOptions, 'env' | 'noColor'>, terminal: boolean): boolean {
  const {env, noColor} = options
  if (noColor || (env['NO_COLOR'] ?? '') !== '') return false
  const force = env['FORCE_COLOR']
  if (force !== undefined) return force !== '0' && force !== 'false'
  return terminal && env['TERM'] !== 'dumb'
}

/** Node leaves it undefined, whatever its types say, where the stream is no terminal. */
function isTerminal(stream: {readonly isTTY?: boolean}): boolean {
  return stream.isTTY ?? false
}
