import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {CREATE} from '../../../src/object-store/object-store.js'
import type {S3StoreOptions} from '../../../src/object-store/s3/options.js'
import {openS3ObjectStore} from '../../../src/object-store/s3/s3-object-store.js'
import {startStrictS3, type StrictS3} from '../../support/strict-s3/index.js'

/** What the SDK finds by itself is checked as what it is told. */
describe("the SDK's own configuration", () => {
  const original = {...process.env}
  let server: StrictS3
  beforeAll(async () => {
    server = await startStrictS3()
  })
  afterAll(() => server.close())
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, {
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    })
  })
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    Object.assign(process.env, original)
  })
  const open = (more: Partial<S3StoreOptions> = {}) => openS3ObjectStore({bucket: server.bucket, ...more})

  test('endpoint, credentials and a missing region from the environment', async () => {
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    })
    const store = await open(server.region === 'us-east-1' ? {} : {region: server.region})
    await store.put('a', new Uint8Array(3), {mode: CREATE})
    expect(await store.head('a')).toMatchObject({size: 3})
    await store.close()
  })

  test.each(['http://169.254.169.254', 'http://minio.example:9000'])('the endpoint %s is refused', async (endpoint) => {
    process.env['AWS_ENDPOINT_URL'] = endpoint
    await expect(open({region: 'us-east-1'})).rejects.toMatchObject({code: 'ENDPOINT_REFUSED', kind: 'usage'})
  })

  test('AWS without a region names the flag', async () => {
    await expect(open()).rejects.toMatchObject({
      code: 'REGION_MISSING',
      kind: 'usage',
      suggestions: [expect.stringContaining('--region')],
    })
  })

  test('no credentials anywhere', async () => {
    const store = await open({endpoint: server.endpoint})
    await expect(store.head('a')).rejects.toMatchObject({code: 'CREDENTIALS_MISSING', kind: 'permission'})
    await store.close()
  })
})
