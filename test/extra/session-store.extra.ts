import {afterAll, describe, expect, test} from 'vitest'
import {S3SessionStore} from '../../src/library/session-store.js'
import {startMoto, startVersitygw} from '../support/servers/index.js'
import {sessionStoreCases, type SessionStoreTarget, targetOf} from '../support/session-store-suite.js'
import {clientFor} from '../support/strict-s3-clients.js'

/** The contract of test/sdk/contract.test.ts, against servers that are not our own. */

const started = await Promise.all([startMoto(), startVersitygw()])
for (const server of started) {
  if (server.endpoint === undefined) process.stderr.write(`${server.name}: not tested, ${server.reason}\n`)
}
const running = started.flatMap((server) => (server.endpoint === undefined ? [] : [server]))

describe.each(running)('the session store on $name', (server) => {
  const closings: Promise<unknown>[] = []
  afterAll(async () => {
    await Promise.all(closings)
    await server.close()
  })

  let prefixes = 0
  async function open(): Promise<SessionStoreTarget> {
    const prefix = `run-${++prefixes}/`
    const options = {bucket: server.bucket, prefix, client: clientFor(server)}
    return targetOf(() => new S3SessionStore(options), closings)
  }

  test.each(sessionStoreCases())('$name', {timeout: 120_000}, async ({run}) => {
    await expect(run(open)).resolves.toBeUndefined()
  })
})

test('at least the servers that are installed have been asked', () => {
  expect(started).toHaveLength(2)
})
