import {type Dirent, lstat, lstatSync, readdir, readdirSync, type Stats} from 'node:fs'
import type {Clock} from '../../base/clock.js'
import {isMissing} from './disk-errors.js'

const SLICE = 16
/** How long a slice takes (ms) where the disk is at hand; a network's takes more. */
const AT_HAND = 4
/** A busy machine makes one slice slow, and seldom so many in a row. */
const SLOW_SLICES = 3

type Done<T> = (error: NodeJS.ErrnoException | null, found: T) => void

/**
 * Many looks at a disk. On one that is at hand a look takes a fraction of what it takes to have another thread make it,
 * so they are made in place, slice by slice, until some in a row were slow: from then on side by side in other threads.
 * Answers come in the order of the paths; undefined where nothing is there.
 */
export class Lookups {
  readonly #clock: Pick<Clock, 'now'>
  #slow = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  async stats(paths: readonly string[]): Promise<readonly (Stats | undefined)[]> {
    return this.#all<Stats>(
      paths,
      (path) => lstatSync(path),
      (path, done) => lstat(path, done),
    )
  }

  async entries(paths: readonly string[]): Promise<readonly (Dirent[] | undefined)[]> {
    return this.#all<Dirent[]>(
      paths,
      (path) => readdirSync(path, {withFileTypes: true}),
      (path, done) => readdir(path, {withFileTypes: true}, done),
    )
  }

  async names(paths: readonly string[]): Promise<readonly (string[] | undefined)[]> {
    return this.#all<string[]>(
      paths,
      (path) => readdirSync(path),
      (path, done) => readdir(path, done),
    )
  }

  async #all<T>(
    paths: readonly string[],
    here: (path: string) => T,
    elsewhere: (path: string, done: Done<T>) => void,
  ): Promise<readonly (T | undefined)[]> {
    const found: (T | undefined)[] = []
    while (this.#slow < SLOW_SLICES && found.length < paths.length) {
      const began = this.#clock.now()
      for (const path of paths.slice(found.length, found.length + SLICE)) found.push(ifThere(() => here(path)))
      this.#slow = this.#clock.now() - began > AT_HAND ? this.#slow + 1 : 0
    }
    const rest = paths.slice(found.length)
    return rest.length === 0 ? found : [...found, ...(await sideBySide(rest, elsewhere))]
  }
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** One promise for all of them: one for each would cost more than the calls. */
async function sideBySide<T>(
  paths: readonly string[],
  look: (path: string, done: Done<T>) => void,
): Promise<readonly (T | undefined)[]> {
  return new Promise((resolve, reject) => {
    const found = Array.from<T | undefined>({length: paths.length})
    let open = paths.length
    for (const [place, path] of paths.entries()) {
      look(path, (error, value) => {
        if (error === null) found[place] = value
        else if (!isMissing(error)) reject(error)
        open -= 1
        if (open === 0) resolve(found)
      })
    }
  })
}
