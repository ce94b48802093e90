import {appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync} from 'node:fs'
import {dirname} from 'node:path'
import {entryIdentity} from '../../../../src/transcript/entry-identity.js'
import type {LineText} from '../lines.js'

/** A transcript on one machine's disk, as Claude leaves it. */
export class LocalCopy {
  readonly path: string
  readonly #now: () => number

  constructor(path: string, now: () => number) {
    this.path = path
    this.#now = now
  }

  get isThere(): boolean {
    return existsSync(this.path)
  }

  get text(): string {
    return this.isThere ? readFileSync(this.path, 'utf8') : ''
  }

  /** Whole lines. */
  get lines(): LineText[] {
    return this.text.split(/(?<=\n)/).filter((line) => line.endsWith('\n'))
  }

  get torn(): string {
    return this.text.slice(this.text.lastIndexOf('\n') + 1)
  }

  get keys(): Set<string> {
    return new Set(this.lines.map(keyOf))
  }

  append(text: string): void {
    mkdirSync(dirname(this.path), {recursive: true})
    appendFileSync(this.path, text)
    this.#touch()
  }

  /** @param how in the same file, or as a new one that takes its name. */
  rewrite(lines: readonly LineText[], how: 'in-place' | 'renamed'): void {
    const path = how === 'in-place' ? this.path : `${this.path}.new`
    writeFileSync(path, lines.join(''))
    if (how === 'renamed') renameSync(path, this.path)
    this.#touch()
  }

  /** By the simulated clock: changes are milliseconds apart on a real disk, and here too. */
  #touch(): void {
    utimesSync(this.path, this.#now() / 1000, this.#now() / 1000)
  }
}

export function keyOf(line: LineText): string {
  return entryIdentity(Buffer.from(line)).key
}
