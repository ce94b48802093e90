import {type FileHandle, open, readdir, readFile, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {errno, ifThere} from './disk-errors.js'
import type {MetaNames} from './names.js'
import type {Root} from './root.js'

/** What is kept beside one version of an object, in `.reprise/meta/{key}.{SHA-256 of the bytes}.json`. */
interface MetaRecord {
  /** Names this write: a later version says by it what it was built on. */
  readonly id: string
  /** Of the object's file: tells apart the records of writers that raced with equal bytes. */
  readonly inode: number
  /** The id of the version before, where there was one. */
  readonly predecessor?: string
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType?: string
}

export interface FoundMeta {
  /** Hex SHA-256 of the bytes that were written. */
  readonly digest: string
  readonly record: MetaRecord
}

/** The names of the metadata files in one folder, by the stem that they share. */
export type MetaIndex = ReadonlyMap<string, readonly string[]>

const NAME = /^(.+)\.([0-9a-f]{64})(?:\.[0-9a-f]+)?\.json$/

export class MetaFiles {
  readonly #root: Root

  constructor(root: Root) {
    this.#root = root
  }

  /**
   * Writes a record, durably but for its name, before its object gets a name. The plain name is taken where another writer
   * of equal bytes was here first: then the id is put into it. @returns the path, to be removed when the object's name is lost.
   */
  async write({folder, stem}: MetaNames, digest: string, record: MetaRecord): Promise<string> {
    await this.#root.ensure(folder)
    for (const name of [`${stem}.${digest}.json`, `${stem}.${digest}.${record.id}.json`]) {
      const path = join(folder, name)
      const handle = await this.#create(folder, path)
      if (handle === undefined) continue
      try {
        await handle.writeFile(JSON.stringify(record))
        await handle.sync()
        return path
      } catch (error) {
        await this.remove(path)
        throw error
      } finally {
        await handle.close()
      }
    }
    throw new Error(`The id ${record.id} was given twice.`)
  }

  async #create(folder: string, path: string): Promise<FileHandle | undefined> {
    for (;;) {
      try {
        return await open(this.#root.at(path), 'wx', 0o600)
      } catch (error) {
        if (errno(error) === 'EEXIST') return undefined
        // A racing delete takes folders away as they become empty.
        if (errno(error) !== 'ENOENT') throw error
        await this.#root.ensure(folder)
      }
    }
  }

  async remove(path: string): Promise<void> {
    await ifThere(unlink(this.#root.at(path)))
  }

  async index(folder: string): Promise<MetaIndex> {
    return indexOf((await ifThere(readdir(this.#root.at(folder)))) ?? [])
  }

  /** As {@link index}, of many folders, in their order. */
  async indexAll(folders: readonly string[]): Promise<readonly MetaIndex[]> {
    return (await this.#root.namesAll(folders)).map(indexOf)
  }

  /** The record of a file whose bytes are known; undefined when only a look at the folder can tell. */
  async findByDigest({folder, stem}: MetaNames, digest: string, inode: number): Promise<FoundMeta | undefined> {
    const record = await this.#read(join(folder, `${stem}.${digest}.json`))
    return record?.inode === inode ? {digest, record} : undefined
  }

  /**
   * The record that belongs to a file. A lone candidate is it; among several (racing or crashed writers) the inode
   * decides, and where a copied tree has other inodes, the bytes.
   */
  async find(
    names: MetaNames,
    inode: number,
    hash: () => Promise<string>,
    index?: MetaIndex,
  ): Promise<FoundMeta | undefined> {
    const known = index?.get(names.stem) ?? (await this.index(names.folder)).get(names.stem) ?? []
    const found: (FoundMeta & {readonly path: string})[] = []
    for (const name of known) {
      const path = join(names.folder, name)
      const record = await this.#read(path)
      const digest = NAME.exec(name)?.[2]
      if (record !== undefined && digest !== undefined) found.push({path, digest, record})
    }
    if (found.length <= 1) return found[0]
    const own = found.filter(({record}) => record.inode === inode)
    if (own.length === 1) return own[0]
    const digest = await hash()
    return this.#latest((own.length > 0 ? own : found).filter((candidate) => candidate.digest === digest))
  }

  /** Inodes are used again: a record that a crash left is older than the one of the file that has its inode now. */
  async #latest<T extends {readonly path: string}>(candidates: readonly T[]): Promise<T | undefined> {
    const dated = await Promise.all(
      candidates.map(async (candidate) => ({candidate, at: (await this.#root.stat(candidate.path))?.mtimeMs ?? 0})),
    )
    return dated.toSorted((a, b) => b.at - a.at)[0]?.candidate
  }

  /** The metadata files that were written for this very file, and not for one that another writer is about to name. */
  async own({folder, stem}: MetaNames, inode: number, index: MetaIndex): Promise<string[]> {
    const paths = (index.get(stem) ?? []).map((name) => join(folder, name))
    const records = await Promise.all(paths.map(async (path) => this.#read(path)))
    return paths.filter((_, place) => records[place]?.inode === inode)
  }

  /** The digest, where the folder's names tell it: one record alone has this stem. */
  onlyDigest(stem: string, index: MetaIndex): string | undefined {
    const known = index.get(stem)
    return known?.length === 1 ? NAME.exec(known[0] ?? '')?.[2] : undefined
  }

  /** The digest alone, without opening a record where {@link onlyDigest} tells it. */
  async findDigest(
    names: MetaNames,
    inode: number,
    hash: () => Promise<string>,
    index: MetaIndex,
  ): Promise<string | undefined> {
    const only = this.onlyDigest(names.stem, index)
    if (only !== undefined) return only
    return (await this.find(names, inode, hash, index.has(names.stem) ? index : undefined))?.digest
  }

  async #read(path: string): Promise<MetaRecord | undefined> {
    const text = await ifThere(readFile(this.#root.at(path), 'utf8'))
    if (text === undefined) return undefined
    try {
      const value: unknown = JSON.parse(text)
      return isRecord(value) ? value : undefined
    } catch {
      // Torn by a crash, so its object never got a name.
      return undefined
    }
  }
}

function indexOf(names: readonly string[]): MetaIndex {
  const index = new Map<string, string[]>()
  for (const name of names) {
    const stem = NAME.exec(name)?.[1]
    if (stem === undefined) continue
    const same = index.get(stem)
    if (same === undefined) index.set(stem, [name])
    else same.push(name)
  }
  return index
}

function isRecord(value: unknown): value is MetaRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'inode' in value &&
    typeof value.inode === 'number' &&
    'metadata' in value &&
    typeof value.metadata === 'object' &&
    value.metadata !== null
  )
}
