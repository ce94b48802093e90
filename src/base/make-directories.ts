import {mkdir, stat} from 'node:fs/promises'
import {dirname} from 'node:path'

/**
 * Makes a directory with those above it, 0700 each; one that is there stays as it is. Node's own recursive way never ends where a
 * file system answers "not there" to whatever is made in it, as /proc does.
 *
 * @param path absolute.
 * @throws what the system says of the first directory that cannot be made.
 */
export async function makeDirectories(path: string): Promise<void> {
  try {
    await makeOne(path)
  } catch (error) {
    const parent = dirname(path)
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error
    await makeDirectories(parent)
    await makeOne(path)
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, {mode: 0o700})
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST' && (await stat(path).catch(() => undefined))?.isDirectory()
    if (!isThere) throw error
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
