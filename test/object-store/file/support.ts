import {once} from 'node:events'
import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import type {Clock} from '../../../src/base/clock.js'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {FileObjectStore} from '../../../src/object-store/file/file-object-store.js'
import type {GetOptions, ObjectStore} from '../../../src/object-store/object-store.js'

export async function tempDirectory(): Promise<string> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'reprise-'))
  onTestFinished(async () => rm(directory, {recursive: true, force: true}))
  return directory
}

export function fileStore(directory: string, clock: Pick<Clock, 'now'> = systemClock): FileObjectStore {
  return new FileObjectStore({directory, clock, random: systemRandom})
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export async function text(store: ObjectStore, key: string, options: GetOptions = {}): Promise<string> {
  const {body} = await store.get(key, options)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** A body whose writer falls asleep once the disk has it and before it gets its name, until `wake` is called. */
export function sleepingBody(content: string) {
  const asleep = new AbortController()
  const awake = new AbortController()
  const woken = once(awake.signal, 'abort')
  return {
    size: content.length,
    async *open() {
      yield bytes(content)
      asleep.abort()
      await woken
    },
    sleeping: once(asleep.signal, 'abort'),
    wake: () => awake.abort(),
  }
}
