import {expect, test} from 'vitest'
import {redactedSession} from '../../src/inspect/redacted-session.js'
import {Redaction} from '../../src/inspect/redaction.js'
import type {TranscriptOrigin} from '../../src/inspect/session-origin.js'
import {SAMPLES} from '../support/secret-samples.js'

const SECRET = SAMPLES['github'] ?? ''
const TEXT = Buffer.from(`${JSON.stringify({a: SECRET})}\n${JSON.stringify({b: 1})}\n`)

async function* all(): AsyncIterable<Uint8Array> {
  yield TEXT.subarray(0, 20)
  yield TEXT.subarray(20)
}

/** Its load begins anew once, in the middle. */
const TRANSCRIPT: TranscriptOrigin = {
  name: {sessionId: 'x'},
  version: '1',
  size: TEXT.length,
  read: all,
  async load(sink) {
    await sink.begin()
    await sink.write(TEXT.subarray(0, TEXT.length - 3))
    await sink.begin()
    for await (const chunk of all()) await sink.write(chunk)
  },
  open: async () => ({length: TEXT.length, read: all, [Symbol.asyncDispose]: async () => undefined}),
  metadata: async () => ({description: SECRET}),
}

async function redacted(redaction: Redaction): Promise<TranscriptOrigin> {
  const session = {sessionId: 'x', place: '/x', source: 'local' as const, transcripts: async () => [TRANSCRIPT]}
  const [transcript] = await redactedSession(session, redaction).transcripts()
  return transcript!
}

test('every way to read a transcript is masked; a load that begins anew counts once', async () => {
  const redaction = new Redaction()
  const transcript = await redacted(redaction)
  let loaded: Uint8Array[] = []
  await transcript.load({begin: () => void (loaded = []), write: (chunk) => void loaded.push(chunk)})
  expect(redaction.counts).toEqual({github: 1})
  const read: Uint8Array[] = []
  for await (const chunk of transcript.read()) read.push(chunk)
  expect(Buffer.concat(read)).toEqual(Buffer.concat(loaded))
  expect(read.join('')).not.toContain(SECRET.slice(-12))
  expect(Buffer.concat(read)).toHaveLength(TEXT.length)
  await using open = await transcript.open()
  for await (const chunk of open.read(5, 40)) expect(Buffer.from(chunk)).toEqual(Buffer.concat(read).subarray(5, 40))
  expect(await transcript.metadata()).toEqual({description: expect.stringMatching(/^\*+$/)})
})
