import {parseObject} from '../transcript/entry-identity.js'
import {findHints} from './secrets-hints.js'
import {readingsOf} from './secrets-readings.js'
import {loadSecretRules, type SecretRules} from './secrets-rules.js'

/** Something in a transcript looks like a secret. Says where, and never what: neither the value nor the text around it. */
export interface Finding {
  readonly file: string
  /** `aws`, `anthropic`, `privatekey`, …: the name of the rule that matched. */
  readonly rule: string
  /** From 1. */
  readonly line: number
  /** The entry's `type`, where it is one that Claude writes. */
  readonly entryType?: string
}

export interface ScanTarget {
  /** How findings name the file. */
  readonly file: string
  /** The number of the line that the first chunk begins with, from 1. */
  readonly firstLine: number
}

export interface ScanResult {
  /** In the order of the lines, each rule once a line; at most 100. */
  readonly findings: readonly Finding[]
  /** How many there were beyond those. Counting ends at 1,000, and scanning with it. */
  readonly more: number
}

export interface SecretScanner {
  /** Takes any bytes; rejects only with what reading the chunks rejects with. */
  scan(chunks: AsyncIterable<Uint8Array>, target: ScanTarget): Promise<ScanResult>
}

const MAX_FINDINGS = 100
const MAX_COUNTED = 1_000
/** A longer line is looked at in pieces of this size. */
const WINDOW = 1024 * 1024
/** What is looked at before and behind a hint: a private key fits. */
const BEFORE = 4 * 1024
const BEHIND = 16 * 1024

const ENTRY_TYPES = new Set(
  'assistant attachment custom-title file-history-snapshot last-prompt progress queue-operation summary system tool_result user'.split(
    ' ',
  ),
)

/** What a scanner knows is loaded when the first suspicious line is met: a clean transcript costs one pass and no import. */
export async function createSecretScanner(): Promise<SecretScanner> {
  let rules: Promise<SecretRules> | undefined
  return {
    async scan(chunks, target) {
      const scan = new Scan(target, () => (rules ??= loadSecretRules()))
      for await (const chunk of chunks) {
        await scan.push(chunk)
        if (scan.full) break
      }
      return scan.end()
    },
  }
}

class Scan {
  readonly #target: ScanTarget
  readonly #rules: () => Promise<SecretRules>
  readonly #findings: Finding[] = []
  #more = 0
  /** Rules that were reported for the line `#reportedLine`. */
  #reported = new Set<string>()
  #reportedLine = 0
  #line: number
  #pending: Uint8Array[] = []
  #pendingLength = 0

  constructor(target: ScanTarget, rules: () => Promise<SecretRules>) {
    this.#target = target
    this.#rules = rules
    this.#line = target.firstLine
  }

  get full(): boolean {
    return this.#findings.length + this.#more >= MAX_COUNTED
  }

  async push(chunk: Uint8Array): Promise<void> {
    this.#pending.push(chunk)
    this.#pendingLength += chunk.byteLength
    const newline = chunk.lastIndexOf(0x0a)
    if (newline === -1 && this.#pendingLength < WINDOW) return
    const bytes = this.#take()
    if (newline !== -1) {
      const end = bytes.length - (chunk.byteLength - newline - 1)
      await this.#look(bytes.subarray(0, end))
      this.#keep(bytes.subarray(end))
      return
    }
    await this.#look(bytes)
    this.#keep(bytes.subarray(Math.max(0, bytes.length - BEFORE - BEHIND)))
  }

  async end(): Promise<ScanResult> {
    if (!this.full) await this.#look(this.#take())
    return {findings: this.#findings, more: this.#more}
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#pending, this.#pendingLength)
    this.#pending = []
    this.#pendingLength = 0
    return bytes
  }

  #keep(bytes: Uint8Array): void {
    this.#pending = [bytes]
    this.#pendingLength = bytes.length
  }

  /** @param block whole lines; the first may lack its beginning, and the last its end. */
  async #look(block: Buffer): Promise<void> {
    const text = block.toString('latin1')
    let counted = 0
    const countTo = (offset: number): void => {
      for (let at = text.indexOf('\n', counted); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) this.#line++
      counted = Math.max(counted, offset)
    }
    let done = 0
    for (const hint of findHints(text)) {
      if (hint < done) continue
      if (this.full) break
      countTo(hint)
      const start = text.lastIndexOf('\n', hint) + 1
      const newline = text.indexOf('\n', hint)
      const end = newline === -1 ? text.length : newline
      const from = Math.max(start, hint - BEFORE)
      const to = Math.min(end, hint + BEHIND)
      done = to === end ? end : to - BEFORE
      await this.#judge(block.subarray(from, to), () => block.subarray(start, end))
    }
    countTo(text.length)
  }

  async #judge(region: Buffer, line: () => Uint8Array): Promise<void> {
    const match = await this.#rules()
    const readings = readingsOf(region.toString()).map(({text}) => text)
    const rules = new Set((await match(readings.join('\n\n'))).map(({rule}) => rule))
    if (this.#reportedLine !== this.#line) this.#reported = new Set()
    this.#reportedLine = this.#line
    const fresh = [...rules].filter((rule) => !this.#reported.has(rule))
    if (fresh.length === 0) return
    const entryType = typeOf(line())
    for (const rule of fresh) {
      this.#reported.add(rule)
      if (this.#findings.length >= MAX_FINDINGS) this.#more++
      else this.#findings.push({file: this.#target.file, rule, line: this.#line, ...(entryType && {entryType})})
    }
  }
}

function typeOf(line: Uint8Array): string | undefined {
  if (line.byteLength > WINDOW) return undefined
  const type = parseObject(line)?.['type']
  return typeof type === 'string' && ENTRY_TYPES.has(type) ? type : undefined
}
