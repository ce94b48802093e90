import * as errors from '../../../src/base/errors.js'
import * as leasesChecked from '../../../src/doctor/leases.js'
import * as survey from '../../../src/doctor/survey.js'
import * as transcriptsChecked from '../../../src/doctor/transcripts.js'
import * as storeErrors from '../../../src/object-store/errors.js'
import * as memory from '../../../src/object-store/memory.js'
import * as lease from '../../../src/registry/session-lease.js'
import * as leaseTable from '../../../src/registry/store-lease-table.js'
import * as archive from '../../../src/store/archive.js'
import * as bytes from '../../../src/store/bytes.js'
import * as compact from '../../../src/store/compact-transcript.js'
import * as deliver from '../../../src/store/deliver.js'
import * as home from '../../../src/store/home.js'
import * as journal from '../../../src/store/journal.js'
import * as leased from '../../../src/store/leased-transcript.js'
import * as listed from '../../../src/store/listed-prefix.js'
import * as names from '../../../src/store/names.js'
import * as part from '../../../src/store/part.js'
import * as parts from '../../../src/store/parts.js'
import * as plan from '../../../src/store/plan-compaction.js'
import * as probe from '../../../src/store/probe.js'
import * as rebase from '../../../src/store/rebase.js'
import * as restore from '../../../src/store/restore-archive.js'
import * as unleased from '../../../src/store/unleased.js'
import * as view from '../../../src/store/view.js'
import * as write from '../../../src/store/write-part.js'
import * as compactSession from '../../../src/sync/compact-session.js'
import * as context from '../../../src/sync/context.js'
import * as identity from '../../../src/transcript/entry-identity.js'

/** The code under attack. A second copy of it, with one rule taken out, is loaded from a changed build. */
export const core = {
  ...errors,
  ...leasesChecked,
  ...survey,
  ...transcriptsChecked,
  ...storeErrors,
  ...memory,
  ...lease,
  ...leaseTable,
  ...archive,
  ...bytes,
  ...compact,
  ...deliver,
  ...home,
  ...journal,
  ...leased,
  ...listed,
  ...names,
  ...part,
  ...parts,
  ...plan,
  ...probe,
  ...rebase,
  ...restore,
  ...unleased,
  ...view,
  ...write,
  ...compactSession,
  ...context,
  ...identity,
}

export type Core = typeof core

const MODULES = [
  'base/errors',
  'doctor/leases',
  'doctor/survey',
  'doctor/transcripts',
  'object-store/errors',
  'object-store/memory',
  'registry/session-lease',
  'registry/store-lease-table',
  'store/archive',
  'store/bytes',
  'store/compact-transcript',
  'store/deliver',
  'store/home',
  'store/journal',
  'store/leased-transcript',
  'store/listed-prefix',
  'store/names',
  'store/part',
  'store/parts',
  'store/plan-compaction',
  'store/probe',
  'store/rebase',
  'store/restore-archive',
  'store/unleased',
  'store/view',
  'store/write-part',
  'sync/compact-session',
  'sync/context',
  'transcript/entry-identity',
]

/** @param root a directory with the built modules, `file:` URL with a trailing slash. */
export async function loadCore(root: string): Promise<Core> {
  const loaded: object[] = []
  for (const module of MODULES) loaded.push((await import(/* @vite-ignore */ `${root}${module}.js`)) as object)
  return Object.assign({}, ...loaded) as Core
}
