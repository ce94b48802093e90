import {stat} from 'node:fs/promises'
import {makeDirectories} from '../base/make-directories.js'
import {type Place, type Planned, settled, vital} from './place.js'

const FOR_OTHERS = 0o007

/** The directory of a file store. */
export class DirectoryPlace implements Place {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async look(): Promise<readonly Planned[]> {
    const check = 'directory'
    const path = this.#path
    const found = await stat(path).catch(() => undefined)
    if (!found) {
      return [
        vital({check, state: 'missing', detail: `there is no ${path}`}, `${path}, for you alone`, () => this.#make()),
      ]
    }
    // The group is how a team shares one store; everybody else is nobody's intent.
    if ((found.mode & FOR_OTHERS) === 0) return [settled({check, state: 'ok', detail: `${path} is there`})]
    const detail = `${path} can be entered by every user of this machine`
    return [settled({check, state: 'warning', detail, fix: `chmod o-rwx ${path}`})]
  }

  /** What stands in the way is told by the first write into the store, in its own words. */
  async #make(): Promise<void> {
    await makeDirectories(this.#path).catch(() => undefined)
  }
}
