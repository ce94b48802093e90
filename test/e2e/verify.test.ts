import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {Homes} from '../../src/store/home.js'
import {pushSession} from '../../src/sync/push-session.js'
import {verifyMany} from '../../src/sync/verify-many.js'
import {discoverSessions} from '../../src/transcript/discover.js'
import {newWorker, runClaude, type Worker} from '../support/claude.js'
import {type ModelServer, startModelServer} from '../support/model-server.js'
import {SyncWorker} from '../support/sync-worker.js'

const SESSION = '6f1d3a52-8b0e-4c57-9a44-0d8e2f7b1c90'
const FORK = '6f1d3a52-8b0e-4c57-9a44-0d8e2f7b1c91'

let root: string
let model: ModelServer
let worker: Worker

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reprise-verify-'))
  model = await startModelServer()
  worker = await newWorker({root, modelUrl: model.url})
})

afterAll(async () => {
  await model?.close()
  await rm(root, {recursive: true, force: true})
})

test('what a real claude leaves is sound: a subagent, a large output, a resume, a compaction and a fork', async () => {
  const script = 'bash: seq 1 20000;;agent: say: hi;;say: ok'
  await runClaude(worker, ['--session-id', SESSION, '-p', script, '--allowedTools', 'Bash Agent'])
  await runClaude(worker, ['--resume', SESSION, '-p', '/compact'])
  await runClaude(worker, ['--resume', SESSION, '-p', 'say: after it'])
  await runClaude(worker, ['--resume', SESSION, '--fork-session', '--session-id', FORK, '-p', 'say: in the fork'])

  await using machine = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
  const context = {...machine.context, configDir: worker.configDir}
  const {sessions} = await discoverSessions(worker.configDir)
  expect(sessions.map(({sessionId}) => sessionId).toSorted()).toEqual([SESSION, FORK])
  for (const session of sessions) await pushSession(context, session)
  const verify = async () =>
    verifyMany({...context, homes: new Homes(context.store)}, new StoreRegistry(context), {
      named: [],
      localIds: async () => [],
      concurrency: 2,
      progress: silentProgress,
      readData: true,
    })
  const report = await verify()
  expect(report.sessions.flatMap(({findings}) => findings)).toEqual([])
  expect(report.sessions.find(({sessionId}) => sessionId === SESSION)).toMatchObject({state: 'ok', transcripts: 2})

  // It looks at the right places: without them it would have told.
  const [output] = sessions.flatMap(({sessionId, toolResults}) =>
    toolResults.map(({name}) => `.reprise/files/${sessionId}/tool-results/${name}`),
  )
  expect(output).toBeDefined()
  await context.store.delete([output ?? ''])
  const found = (await verify()).sessions.flatMap(({findings}) => findings.map(({code}) => code))
  expect(found).toContain('tool-result-missing')
}, 60_000)
