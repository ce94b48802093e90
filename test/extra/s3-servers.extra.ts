import {afterAll, describe, expect, test} from 'vitest'
import {conformanceCases, type ConformanceTag} from '../../src/object-store/conformance.js'
import {openAt} from '../object-store/s3/support.js'
import {type IndependentServer, startMoto, startRclone, startVersitygw} from '../support/servers/index.js'

/** What a server is known not to do; such cases are left out by name. */
const SERVERS: readonly {start: typeof startMoto; lacks: readonly ConformanceTag[]}[] = [
  {start: startMoto, lacks: []},
  {start: startVersitygw, lacks: []},
  {start: startRclone, lacks: ['conditions', 'races', 'metadata', 'odd-keys']},
]

const started = await Promise.all(SERVERS.map(async ({start, lacks}) => ({server: await start(), lacks})))
for (const {server} of started) {
  if (server.endpoint === undefined) process.stderr.write(`${server.name}: not tested, ${server.reason}\n`)
}
const running = started.filter((entry): entry is {server: IndependentServer; lacks: readonly ConformanceTag[]} => {
  return entry.server.endpoint !== undefined
})

describe.each(running)('S3ObjectStore on $server.name', ({server, lacks}) => {
  afterAll(() => server.close())

  const cases = conformanceCases().filter(({tags}) => !tags.some((tag) => lacks.includes(tag)))
  test.each(cases)('$name', {timeout: 120_000}, async ({run}) => {
    await expect(run({open: () => openAt(server)})).resolves.toBeUndefined()
  })
})

test('at least the servers that are installed have been asked', () => {
  expect(started).toHaveLength(SERVERS.length)
})
