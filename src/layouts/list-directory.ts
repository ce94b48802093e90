import type {Tree} from './tree.js'

/** The names in one directory of a tree. */
export interface Listed {
  readonly directories: readonly string[]
  readonly files: readonly string[]
}

/** A directory with more than this is no level of a layout; what was listed until then is taken. */
const MOST_PAGES = 20

/** One LIST with a delimiter. A directory that may not be listed is an empty one only where the caller says so: it rejects here. */
export async function directoryOf(tree: Tree, prefix: string): Promise<Listed> {
  const directories: string[] = []
  const files: string[] = []
  let pages = 0
  for await (const page of tree.list({prefix, delimiter: '/'})) {
    directories.push(...page.prefixes.map((each) => each.slice(prefix.length, -1)))
    files.push(...page.objects.map(({key}) => key.slice(prefix.length)))
    if (++pages === MOST_PAGES) break
  }
  return {directories, files}
}
