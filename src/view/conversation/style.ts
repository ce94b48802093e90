export interface TextOptions {
  /** Of the terminal; infinite where the output is none, and nothing is wrapped. */
  readonly width: number
  readonly color: boolean
  /** Nothing is folded, and what is not meant for people is told of, too. */
  readonly full: boolean
  /** Of the session: paths below it are told from there. */
  readonly cwd?: string | undefined
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta'

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  magenta: [35, 39],
}

/** Of one line, made harmless before: the colours end with it. */
export function paint(line: string, style: Style, {color}: Pick<TextOptions, 'color'>): string {
  const [on, off] = CODES[style]
  return color && line !== '' ? `\u001B[${on}m${line}\u001B[${off}m` : line
}
