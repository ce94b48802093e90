import {RepriseError, toRepriseError} from '../base/errors.js'
import type {Entry, Registry} from '../registry/registry.js'
import type {SyncContext} from '../sync/context.js'
import {isPrintMode} from './interactive.js'

/** A task or name, and the session that it led to when we looked: it may be moved on from there, and from nowhere else. */
export interface SessionLink extends Pick<Entry, 'kind' | 'id'> {
  readonly current?: string | undefined
}

/** What a registry is told of a launch. */
export interface LinkContext {
  readonly sync: SyncContext
  readonly registry: Registry
  readonly projectKey: string
  readonly cwd: string
  /** For claude: never recorded, but for whether they ask for an answer on stdout. */
  readonly args: readonly string[]
  readonly graceMs: number
  readonly inform: (line: string) => void
}

/** Links tasks and names to a session that is about to start. @throws TASK_TAKEN, and what the registry throws. */
export async function recordStart(
  context: LinkContext,
  links: readonly SessionLink[],
  sessionId: string,
): Promise<void> {
  for (const link of links) await recordLink(context, link, sessionId, 'running')
}

/** Brings tasks and names to a session that is under way. A registry that fails must not end that: its end is another chance. */
export async function moveLinks(context: LinkContext, links: readonly SessionLink[], sessionId: string): Promise<void> {
  for (const link of links) {
    await recordLink(context, link, sessionId, 'running').catch((error: unknown) => {
      context.sync.logger.warn('a task or name does not follow yet', {id: link.id, code: toRepriseError(error).code})
    })
  }
}

/**
 * Records how it ended.
 *
 * @param moved of `moveLinks`, where that was called.
 */
export async function recordEnd(
  context: LinkContext,
  links: readonly SessionLink[],
  sessionId: string,
  complete: boolean,
  moved: Promise<void> | undefined,
): Promise<void> {
  const status = complete ? 'ended' : 'unsaved'
  for (const {kind, id, current} of links) {
    // One that had to move on may not have: it is moved then.
    const ended = (async () => {
      await moved
      await recordLink(context, {kind, id, current: moved ? current : sessionId}, sessionId, status)
    })()
    await soon(ended, context).catch((error: unknown) => {
      context.inform(`the end of ${kind} ${id} is not on record: ${toRepriseError(error).message}`)
    })
  }
}

async function recordLink(
  {registry, sync, projectKey, cwd, args}: LinkContext,
  {kind, id, current}: SessionLink,
  sessionId: string,
  status: string,
): Promise<void> {
  await registry.assign(
    {
      kind,
      id,
      sessionId,
      homeKey: projectKey,
      cwd,
      agent: 'claude',
      store: sync.store.url,
      machine: sync.machine,
      status,
      launch: {print: isPrintMode(args)},
    },
    current === undefined ? {mode: 'create'} : {mode: 'append', after: current},
  )
}

/** What is good to have, but no reason to keep a person waiting whose store does not answer. */
async function soon(work: Promise<void>, {sync, graceMs}: LinkContext): Promise<void> {
  const over = new AbortController()
  const late = sync.clock.sleep(graceMs, over.signal).then(
    () => {
      throw new RepriseError({kind: 'unreachable', code: 'STORE_UNREACHABLE', message: 'no answer'})
    },
    () => undefined,
  )
  try {
    await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
