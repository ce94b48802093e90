import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {type JoinPiece, planJoin, type SourceRange} from '../../../src/object-store/s3/plan-join.js'
import {MIB} from './support.js'

/** Small numbers that are quick to read: a part has at least 5, a streamed one about 7, a copied one at most 20. */
const LIMITS = {minPart: 5, part: 7, copyPart: 20}
const NAMES = 'abcdefghijklmnop'

const plan = (sizes: readonly number[], limits = LIMITS): JoinPiece[] =>
  planJoin(
    sizes.map((size, place) => ({key: NAMES[place] ?? `${place}`, size, etag: 'x'})),
    limits,
  )

const rangesOf = (piece: JoinPiece): readonly SourceRange[] => (piece.type === 'copy' ? [piece.range] : piece.ranges)

const bytesOf = (key: string | undefined, start: number, end: number): string[] =>
  Array.from({length: end - start}, (_, byte) => `${key}${start + byte}`)

/** `copy b 3-9`, `stream a 0-2 b 0-3` */
const told = (pieces: readonly JoinPiece[]): string[] =>
  pieces.map((piece) => {
    return [piece.type, ...rangesOf(piece).map(({source, start, end}) => `${source.key} ${start}-${end}`)].join(' ')
  })

describe('planJoin', () => {
  test.each<[string, readonly number[], readonly string[]]>([
    ['nothing', [], []],
    ['nothing but empty objects', [0, 0], []],
    ['one', [9], ['copy a 0-9']],
    ['a last small one is copied too', [9, 2], ['copy a 0-9', 'copy b 0-2']],
    ['small ones at the end', [9, 2, 1], ['copy a 0-9', 'stream b 0-2 c 0-1']],
    ['of least size', [5, 5, 5], ['copy a 0-5', 'copy b 0-5', 'copy c 0-5']],
    ['a small one borrows the head of the next', [2, 10], ['stream a 0-2 b 0-3', 'copy b 3-10']],
    ['what is left of the last may be small', [1, 6], ['stream a 0-1 b 0-4', 'copy b 4-6']],
    ['a source of least size lends nothing', [1, 5], ['stream a 0-1 b 0-5']],
    ['one that would be too small is streamed', [2, 7, 9], ['stream a 0-2 b 0-7', 'copy c 0-9']],
    ['a run that is large enough borrows nothing', [3, 3, 9], ['stream a 0-3 b 0-3', 'copy c 0-9']],
    [
      'a run is cut, the rest goes with its last part',
      [4, 4, 4, 4, 9],
      ['stream a 0-4 b 0-3', 'stream b 3-4 c 0-4 d 0-4', 'copy e 0-9'],
    ],
    ['one too small to lend at the end goes with the run', [9, 4, 5], ['copy a 0-9', 'stream b 0-4 c 0-5']],
    [
      'the last small one is copied behind a run that is large enough',
      [9, 4, 4, 4],
      ['copy a 0-9', 'stream b 0-4 c 0-4', 'copy d 0-4'],
    ],
    ['large ones are cut evenly', [41, 9], ['copy a 0-13', 'copy a 13-27', 'copy a 27-41', 'copy b 0-9']],
    ['empty ones between leave no trace', [9, 0, 9, 0], ['copy a 0-9', 'copy c 0-9']],
  ])('%s', (_name, sizes, pieces) => {
    expect(told(plan(sizes))).toEqual(pieces)
  })

  test('an object of terabytes fits into 10,000 parts, and its small sources are streamed', () => {
    const sizes = Array.from({length: 20_000}, () => 40 * MIB)
    const pieces = plan(sizes, {minPart: 5 * MIB, part: 5 * MIB, copyPart: 512 * MIB})
    expect(pieces.length).toBeLessThanOrEqual(10_000)
    expect(pieces.reduce((sum, {size}) => sum + size, 0)).toBe(20_000 * 40 * MIB)
  })

  test('pieces cover all bytes in order, have legal sizes, and copy what can be copied', () => {
    const size = fc.oneof(fc.nat({max: 6}), fc.nat({max: 60}))
    const limits = fc
      .record({minPart: fc.integer({min: 1, max: 8}), more: fc.nat({max: 6}), copyPart: fc.integer({min: 1, max: 40})})
      .map(({minPart, more, copyPart}) => ({minPart, part: minPart + more, copyPart}))
    fc.assert(
      fc.property(fc.array(size, {maxLength: 16}), limits, (sizes, {minPart, part, copyPart}) => {
        const pieces = plan(sizes, {minPart, part, copyPart})
        const filled = sizes.flatMap((bytes, place) => (bytes > 0 ? [{key: NAMES[place], size: bytes}] : []))
        const covered = pieces.flatMap((piece) =>
          rangesOf(piece).flatMap(({source, start, end}) => bytesOf(source.key, start, end)),
        )
        assert.deepEqual(
          covered,
          filled.flatMap(({key, size}) => bytesOf(key, 0, size)),
        )
        for (const [place, piece] of pieces.entries()) {
          const ranges = rangesOf(piece)
          assert.ok(ranges.every(({start, end}) => end > start))
          assert.equal(
            piece.size,
            ranges.reduce((sum, {start, end}) => sum + end - start, 0),
          )
          assert.ok(place === pieces.length - 1 || piece.size >= minPart)
          const {size = 0} = piece.type === 'copy' ? piece.range.source : {}
          assert.ok(piece.size <= (piece.type === 'copy' ? Math.max(copyPart, 2 * minPart) : 2 * part - 1))
          assert.ok(piece.type === 'stream' || piece.size === size || size > minPart)
        }
        const copied = pieces.reduce((sum, piece) => sum + (piece.type === 'copy' ? piece.size : 0), 0)
        // Each source of two parts' size loses less than one part to a run before it.
        const floor = filled.reduce((sum, {size}) => sum + (size >= 2 * minPart ? size - minPart + 1 : 0), 0)
        assert.ok(copied >= floor)
        const isStreamed = filled.some(({size}) => size < minPart)
        assert.ok(isStreamed || copied === filled.reduce((sum, {size}) => sum + size, 0))
      }),
      {numRuns: 500},
    )
  })
})
