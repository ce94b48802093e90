import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {conformanceCases} from '../../../src/object-store/conformance.js'
import {type StrictS3, startStrictS3} from '../../support/strict-s3/index.js'
import {openAt} from './support.js'

describe.each([
  ['path addressing', 'path', false],
  ['virtual addressing', 'virtual', false],
  ['a directory bucket in the path', 'path', true],
  ['a directory bucket before the host', 'virtual', true],
] as const)('S3ObjectStore on the strict server, %s', (_name, addressing, directoryBucket) => {
  let server: StrictS3
  beforeAll(async () => {
    server = await startStrictS3({addressing, directoryBucket})
  })
  afterAll(async () => {
    await server.close()
  })

  test.each(conformanceCases())('$name', {timeout: 60_000}, async ({run}) => {
    const endpoint = addressing === 'path' ? server.endpoint : server.virtualEndpoint
    await expect(run({open: () => openAt(server, {endpoint, addressing})})).resolves.toBeUndefined()
  })
})
