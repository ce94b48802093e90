import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {readSummary} from '../../src/store/summary-record.js'
import {pushSession} from '../../src/sync/push-session.js'
import {storeSummaryOf} from '../../src/sync/store-summary.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

test('a push keeps the task that a run before it gave the session', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using worker = await SyncWorker.start(store, 'a')
  await worker.write('-a', message(1))
  await pushSession(worker.context, await worker.session())
  const {main} = await worker.session()
  await storeSummaryOf(worker.context, {homeKey: '-a', sessionId: SESSION}, main?.path ?? '', {task: 'T'})
  await worker.write('-a', message(1) + message(2))
  expect(await pushSession(worker.context, await worker.session())).toMatchObject({action: 'pushed'})
  expect(await readSummary(store, SESSION)).toMatchObject({task: 'T', entries: 2})
})
