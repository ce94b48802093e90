import {readFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {type Fault, HALF_A_BODY, RESET_BEFORE, SLOW_DOWN} from '../support/strict-s3/index.js'
import {message} from '../support/sync-worker.js'
import {ID, lines, Sandbox} from './support/sandbox.js'

const QUICK = ['--timeout', '1s', '--retries', '1']
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

describe('a store that refuses', () => {
  test.each<[string, Record<string, string | undefined>, number, RegExp]>([
    ['a bucket that is not there', {REPRISE_STORE: 's3://no-such-bucket/p'}, 3, /BUCKET_NOT_FOUND/],
    ['a wrong secret', {AWS_SECRET_ACCESS_KEY: SECRET}, 5, /AWS_SECRET_ACCESS_KEY/],
    ['an unknown key', {AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE'}, 5, /AWS_ACCESS_KEY_ID/],
    ['no credentials', {AWS_SECRET_ACCESS_KEY: undefined, AWS_ACCESS_KEY_ID: undefined}, 5, /CREDENTIALS_MISSING/],
    ['a profile that is not there', {REPRISE_PROFILE: 'nobody'}, 5, /CREDENTIALS_MISSING/],
  ])('%s', async (_, env, exitCode, says) => {
    await using here = await Sandbox.make()
    await here.useS3()
    await here.write(message(1))
    const runs = [['push'], ['ls', '--json']].map((argv) => here.contained([...argv, ...QUICK], {env}))
    for (const ran of await Promise.all(runs)) {
      expect(ran.exitCode, ran.all).toBe(exitCode)
      expect(ran.all).toMatch(says)
      expect(ran.all).not.toContain(SECRET)
    }
  })

  test('no server at all', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    await here.write(message(1))
    await server.close()
    const runs = [['push'], ['ls'], ['run']].map((argv) => here.contained([...argv, ...QUICK]))
    for (const ran of await Promise.all(runs)) {
      expect(ran.exitCode, ran.all).toBe(6)
      expect(ran.all).toMatch(/STORE_UNREACHABLE/)
      expect(ran.all).toContain('→')
    }
  })

  test.each<[string, Fault, RegExp]>([
    ['answers 503', SLOW_DOWN, /STORE_THROTTLED|STORE_UNREACHABLE/],
    ['resets every connection', RESET_BEFORE, /STORE_UNREACHABLE/],
    ['never answers', {type: 'hang'}, /STORE_UNREACHABLE/],
  ])('for ever: %s', async (_, fault, code) => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    await here.write(message(1))
    server.faults.add({fault})
    const runs = [['push'], ['pull', ID]].map((argv) => here.contained([...argv, ...QUICK]))
    for (const ran of await Promise.all(runs)) {
      expect(ran.exitCode, ran.all).toBe(6)
      expect(ran.all).toMatch(code)
    }
  })

  test.each<[string, Fault, number]>([
    ['half of each body', HALF_A_BODY, 6],
    ['a flipped byte in each body', {type: 'corrupt'}, 7],
  ])('%s: the local file is as it was', async (_, fault, exitCode) => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    const {server} = await here.useS3()
    there.setEnv(here.storeEnv())
    await here.write(lines(100, 2000))
    await here.run(['push'])
    await there.write((await here.read()).slice(0, 2000).replace(/[^\n]*$/, ''))
    const before = await there.read()
    const handle = server.faults.add({fault, when: {operation: 'GetObject', keyPattern: '/part-'}})
    const ran = await there.contained(['pull', ID, ...QUICK])
    expect([exitCode, 6, 7], ran.all).toContain(ran.exitCode)
    expect(await there.read()).toBe(before)
    expect((await there.names()).filter((name) => name.endsWith('.tmp'))).toEqual([])
    handle.remove()
    expect((await there.run(['pull', ID])).exitCode).toBe(0)
    expect(await there.read()).toBe(await here.read())
  })

  test('a server that speaks something else', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end('SSH-2.0-nope\r\n\u001b[2J\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await using here = await Sandbox.make()
    await here.useS3()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const ran = await here.contained(['ls', ...QUICK], {env: {REPRISE_ENDPOINT_URL: url}})
    expect(ran.exitCode, ran.all).toBe(6)
    server.close()
  })
})

describe('endpoints', () => {
  test.each([
    ['http://192.0.2.1:9000', /--insecure/],
    ['https://169.254.169.254/latest', /link-local|169\.254/],
    ['http://[fe80::1]:9000', /link-local|fe80/],
    ['http://[::ffff:169.254.169.254]', /link-local|169\.254|a9fe/],
    ['http://2852039166', /link-local|169\.254/],
    ['ftp://127.0.0.1', /http/],
  ])('%s is refused before a request', async (url, why) => {
    await using here = await Sandbox.make()
    await here.useS3()
    const ran = await here.contained(['ls', ...QUICK], {env: {REPRISE_ENDPOINT_URL: url}})
    expect(ran.exitCode, ran.all).toBe(2)
    expect(ran.stderr).toMatch(why)
  })

  test('--insecure does not open link-local addresses', async () => {
    await using here = await Sandbox.make()
    await here.useS3()
    const ran = await here.contained(['ls', '--insecure', '--endpoint-url', 'http://169.254.169.254', ...QUICK])
    expect(ran.exitCode, ran.all).toBe(2)
  })
})

describe('credentials', () => {
  test('in a store or endpoint URL are refused and printed nowhere', async () => {
    await using here = await Sandbox.make()
    const log = join(here.root, 'home', 'tmp', 'log')
    for (const argv of [
      ['ls', '--store', `s3://AKIAIOSFODNN7EXAMPLE:${SECRET}@bucket/p`],
      ['ls', '--json', '--store', `s3://AKIAIOSFODNN7EXAMPLE:${SECRET}@bucket/p`],
      ['push', '--verbose', '--log-file', log, '--store', `s3://key:${SECRET}@bucket/p`],
      ['ls', '--store', 's3://b/p', '--endpoint-url', `https://key:${SECRET}@127.0.0.1:1`],
      ['ls', '--store', `https://key:${SECRET}@bucket/p`],
    ]) {
      const ran = await here.contained(argv)
      expect(ran.exitCode, ran.all).toBe(2)
      expect(ran.all + (await readFile(log, 'utf8').catch(() => ''))).not.toMatch(/wJalrXUtnFEMI|AKIAIOSFODNN7/)
    }
  })

  test('stand in no log of requests, whatever the format', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3({sessionToken: 'TOKENTOKENTOKENTOKEN', secretAccessKey: SECRET})
    await here.write(message(1))
    const log = join(here.root, 'home', 'tmp', 'log')
    const env = {AWS_SESSION_TOKEN: 'TOKENTOKENTOKENTOKEN'}
    const ran = await here.run(['push', '--verbose', '--log-file', log], {env})
    expect(ran.exitCode, ran.all).toBe(0)
    const handle = server.faults.add({fault: SLOW_DOWN})
    const failed = await here.run(['pull', ID, '--verbose', '--log-format', 'json', ...QUICK], {env})
    handle.remove()
    const text = ran.all + failed.all + (await readFile(log, 'utf8'))
    expect(text.length).toBeGreaterThan(1000)
    expect(text).not.toMatch(/wJalrXUtnFEMI|TOKENTOKEN|AWS4-HMAC-SHA256 C|Signature=[0-9a-f]{16}/)
    expect(text).not.toContain('message 1')
  })
})
