import * as fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {readLines} from '../../src/transcript/lines.js'
import type {Line, LineOptions} from '../../src/transcript/lines.js'
import {startCpuTime} from '../support/cpu-time.js'

async function lines(chunks: Iterable<Uint8Array>, options?: LineOptions): Promise<Line[]> {
  const all: Line[] = []
  for await (const line of readLines(chunks, options)) all.push(line)
  return all
}

const bytes = (text: string) => Buffer.from(text, 'latin1')

const tooLong = [bytes('ok\nfar too'), bytes(' long\nok'), bytes('\nlong and torn')]

describe('readLines', () => {
  it('gives lines with their offsets and the torn tail last', async () => {
    const found = await lines([bytes('{"a"'), bytes(':1}\n\r\n'), bytes('\xff\xfe\n{"torn'), bytes('":')], {from: 100})
    expect(found.map(({bytes, ...line}) => ({...line, text: Buffer.from(bytes).toString('latin1')}))).toEqual([
      {offset: 100, length: 8, state: 'whole', text: '{"a":1}\n'},
      {offset: 108, length: 2, state: 'whole', text: '\r\n'},
      {offset: 110, length: 3, state: 'whole', text: '\xff\xfe\n'},
      {offset: 113, length: 8, state: 'torn', text: '{"torn":'},
    ])
  })

  it('gives nothing for nothing', async () => {
    expect(await lines([])).toEqual([])
    expect(await lines([new Uint8Array(0)])).toEqual([])
  })

  it('gives the bytes back, wherever the chunks are cut', async () => {
    const byte = fc.oneof(fc.constant(0x0a), fc.integer({min: 0, max: 255}))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({maxLength: 20})), fc.array(byte), async (chunks, extra) => {
        const input = [...chunks, Uint8Array.from(extra)]
        const found = await lines(input)
        expect(Buffer.concat(found.map((line) => line.bytes))).toEqual(Buffer.concat(input))
        let offset = 0
        for (const line of found) {
          expect(line.offset).toBe(offset)
          expect(line.length).toBe(line.bytes.length)
          offset += line.length
          expect(line.bytes.indexOf(0x0a)).toBe(line.state === 'whole' ? line.length - 1 : -1)
        }
        expect(found.slice(0, -1).every((line) => line.state === 'whole')).toBe(true)
      }),
    )
  })

  it('passes a line of 80 MB in small chunks without copying it again and again', async () => {
    const chunk = new Uint8Array(16 * 1024).fill(0x61)
    const count = 5 * 1024
    function* chunks() {
      for (let at = 0; at < count; at += 1) yield chunk
      yield bytes('\nnext\n')
    }
    const cpuTime = startCpuTime()
    const found = await lines(chunks())
    expect(found.map(({offset, length, state}) => ({offset, length, state}))).toEqual([
      {offset: 0, length: count * chunk.length + 1, state: 'whole'},
      {offset: count * chunk.length + 1, length: 5, state: 'whole'},
    ])
    expect(cpuTime()).toBeLessThan(5000)
  })

  it('holds one line at a time, not the transcript', async () => {
    const line = Buffer.concat([new Uint8Array(64 * 1024 - 1).fill(0x61), bytes('\n')])
    function* chunks() {
      for (let at = 0; at < 4096; at += 1) yield Uint8Array.prototype.slice.call(line)
    }
    const before = process.memoryUsage().arrayBuffers
    let peak = 0
    let count = 0
    for await (const _ of readLines(chunks())) {
      count += 1
      if (count % 64 === 0) peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
    expect(count).toBe(4096)
    expect(peak).toBeLessThan(128 * 1024 * 1024)
  })

  describe('with a line that is too long', () => {
    it('throws by default', async () => {
      await expect(lines(tooLong, {maxLineBytes: 5})).rejects.toMatchObject({
        code: 'LINE_TOO_LONG',
        kind: 'bad-data',
        details: {offset: 3, maxLineBytes: 5},
      })
    })

    it('reports it where the caller wants that, and goes on behind it', async () => {
      const found = await lines(tooLong, {maxLineBytes: 5, onTooLong: 'report'})
      expect(found.map(({bytes, ...line}) => ({...line, held: bytes.length}))).toEqual([
        {offset: 0, length: 3, state: 'whole', held: 3},
        {offset: 3, length: 13, state: 'too-long', held: 0},
        {offset: 16, length: 3, state: 'whole', held: 3},
        {offset: 19, length: 13, state: 'too-long', held: 0},
      ])
    })
  })
})
