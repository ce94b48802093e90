import type {Stats} from 'node:fs'

/** A regular file as one look at it found it. */
export interface LocalFile {
  readonly path: string
  /** In bytes. */
  readonly size: number
  readonly mtimeMs: number
  readonly dev: number
  readonly ino: number
  /** How many names the file has. More than one: someone may hold it under a name beyond the config dir. */
  readonly nlink: number
}

export function localFile(path: string, {size, mtimeMs, dev, ino, nlink}: Stats): LocalFile {
  return {path, size, mtimeMs, dev, ino, nlink}
}
