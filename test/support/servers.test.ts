import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {GetObjectCommand, PutObjectCommand} from '@aws-sdk/client-s3'
import {describe, expect, test} from 'vitest'
import {startMoto, startRclone, startVersitygw} from './servers/index.js'
import {clientFor} from './strict-s3-clients.js'

describe.each([
  ['moto', startMoto],
  ['versitygw', startVersitygw],
  ['rclone', startRclone],
] as const)('%s', (name, start) => {
  test('serves objects, or says why it cannot; is gone after close', async ({annotate}) => {
    const server = await start()
    if (server.endpoint === undefined) {
      await annotate(`${name} was not tried: ${server.reason}`)
      return
    }
    const client = clientFor(server)
    try {
      const where = {Bucket: server.bucket, Key: 'a'}
      await client.send(new PutObjectCommand({...where, Body: 'hello'}))
      const answer = await client.send(new GetObjectCommand(where))
      expect(await answer.Body!.transformToString()).toBe('hello')
    } finally {
      client.destroy()
      await server.close()
    }
    await expect(fetch(server.endpoint)).rejects.toThrow('fetch failed')
  })

  test('without its tool there is a reason', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'reprise-no-tools-'))
    const before = process.env['REPRISE_TEST_TOOLS']
    process.env['REPRISE_TEST_TOOLS'] = empty
    try {
      expect(await start()).toMatchObject({name, endpoint: undefined, reason: expect.stringContaining(empty) as string})
    } finally {
      if (before === undefined) delete process.env['REPRISE_TEST_TOOLS']
      else process.env['REPRISE_TEST_TOOLS'] = before
      await rm(empty, {recursive: true})
    }
  })
})
