import type {Dirent} from 'node:fs'
import {readlink, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {unless} from './disk-errors.js'
import type {ObjectNames} from './names.js'
import type {Root} from './root.js'
import {claimed} from './temp-files.js'

/** A version's place. Version 1 is the object as it was created; later ones lie in the folder of versions. */
export interface Version {
  readonly number: number
  readonly path: string
  /** A tombstone: the object was deleted. A link that leads nowhere, since making one fails like link(2) when the name is taken. */
  readonly deleted: boolean
}

interface Tombstone {
  readonly id: string
  readonly predecessor: string
}

export class Versions {
  readonly #root: Root

  constructor(root: Root) {
    this.#root = root
  }

  /** The later versions, oldest first; undefined when there is no folder for them. */
  async later(names: ObjectNames): Promise<Version[] | undefined> {
    const entries = await this.#root.entries(names.versions)
    return entries && laterOf(names, entries)
  }

  /** The highest later versions of objects that lie in one folder, by object; those that have none are left out. */
  async latest(objects: readonly ObjectNames[]): Promise<ReadonlyMap<ObjectNames, Version>> {
    const found = new Map<ObjectNames, Version>()
    const folder = objects[0]?.folder
    if (folder === undefined) return found
    const nameOf = ({versions}: ObjectNames): string => versions.slice(folder === '' ? 0 : folder.length + 1)
    const folders = await this.#root.entriesBelow(folder, objects.map(nameOf))
    for (const names of objects) {
      const version = laterOf(names, folders.get(nameOf(names)) ?? []).at(-1)
      if (version !== undefined) found.set(names, version)
    }
    return found
  }

  /** The version that counts: the highest. Undefined when the key was never written. */
  async newest(names: ObjectNames): Promise<Version | undefined> {
    const later = (await this.later(names))?.at(-1)
    if (later !== undefined) return later
    return (await this.#root.holds(names.path)) ? first(names) : undefined
  }

  /** Puts a tombstone on top of `version`. @returns false when another version came first. */
  async bury(names: ObjectNames, version: number, tombstone: Tombstone): Promise<boolean> {
    const path = pathOf(names, version + 1)
    if (await claimed(symlink(`deleted/${tombstone.id}/${tombstone.predecessor}`, this.#root.at(path)))) return true
    // A network file system that sends a call twice refuses the second.
    return (await this.tombstone(path))?.id === tombstone.id
  }

  async tombstone(path: string): Promise<Tombstone | undefined> {
    const [word, id, predecessor] =
      (await unless(readlink(this.#root.at(path)), 'ENOENT', 'ENOTDIR', 'EINVAL'))?.split('/') ?? []
    return word === 'deleted' && id !== undefined && predecessor !== undefined ? {id, predecessor} : undefined
  }
}

function laterOf(names: ObjectNames, entries: readonly Dirent[]): Version[] {
  return entries
    .filter((entry) => /^[1-9][0-9]{0,14}$/.test(entry.name) && (entry.isFile() || entry.isSymbolicLink()))
    .map((entry) => ({
      number: Number(entry.name),
      path: `${names.versions}/${entry.name}`,
      deleted: entry.isSymbolicLink(),
    }))
    .toSorted((a, b) => a.number - b.number)
}

export function first(names: ObjectNames): Version {
  return {number: 1, path: names.path, deleted: false}
}

export function pathOf(names: ObjectNames, version: number): string {
  return version === 1 ? names.path : join(names.versions, String(version))
}
