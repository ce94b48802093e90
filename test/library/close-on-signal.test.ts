import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {compile, type Compiled} from '../launch/support/compiled.js'

const PROGRAM = fileURLToPath(new URL('support/signalled.js', import.meta.url))

let modules: Compiled
beforeAll(async () => {
  modules = await compile(['library/close-on-signal.ts'])
})
afterAll(async () => modules[Symbol.asyncDispose]())

/** Sends the signals to a program of its own, one after each line that it says. */
async function run(signals: readonly NodeJS.Signals[], ...args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, modules.url(''), ...args], {stdio: ['ignore', 'pipe', 'inherit']})
  const left = [...signals]
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    const signal = left.shift()
    if (signal) child.kill(signal)
  })
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return {signal, said: said.trim().split('\n')}
}

describe('a program that is told to end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s: closes its store, and ends by that signal', async (signal) => {
    expect(await run([signal], 'none', '50')).toEqual({signal, said: ['ready', 'close', 'closed']})
  })

  test('ends what still writes first', async () => {
    const {signal, said} = await run(['SIGTERM'], 'ok', '50')
    expect({signal, said}).toEqual({signal: 'SIGTERM', said: ['ready', 'before', 'close', 'closed']})
  })

  test('closes all the same when that fails, and ends when closing fails', async () => {
    const {signal, said} = await run(['SIGTERM'], 'fails', '50')
    expect({signal, said}).toEqual({signal: 'SIGTERM', said: ['ready', 'close', 'closed']})
  })

  test('closes when that takes more than half of the time', async () => {
    const {signal, said} = await run(['SIGTERM'], 'hangs', '50')
    expect({signal, said}).toEqual({signal: 'SIGTERM', said: ['ready', 'close in what is left', 'closed']})
  })

  test('ends all the same when closing never ends', async () => {
    const {signal, said} = await run(['SIGTERM'], 'none', '600000')
    expect({signal, said}).toEqual({signal: 'SIGTERM', said: ['ready', 'close']})
  })

  test('a second signal ends it at once', async () => {
    const {signal, said} = await run(['SIGTERM', 'SIGINT'], 'none', '20000')
    expect({signal, said}).toEqual({signal: 'SIGINT', said: ['ready', 'close']})
  })
})
