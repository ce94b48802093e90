import {createHash} from 'node:crypto'
import type {TranscriptRef} from '../../src/store/names.js'
import {readDelivery} from '../../src/store/read-delivery.js'
import {appendPoint, appendUnleased, pointAfter} from '../../src/store/unleased.js'
import {viewTranscript} from '../../src/store/view.js'
import type {WriteContext} from '../../src/store/write-part.js'

/** Appends each line as a part of its own, without a lease. */
export async function fillChain(context: WriteContext, ref: TranscriptRef, lines: readonly string[]): Promise<void> {
  const hash = createHash('sha256')
  const view = await viewTranscript(context.parts, ref)
  for await (const chunk of readDelivery(view, context.parts)) hash.update(chunk)
  let point = appendPoint(view)
  for (const line of lines) {
    if (!point) throw new Error('there is no chain')
    const body = Buffer.from(line)
    const after = hash.update(body).copy().digest('hex')
    const tail = {to: point.length + body.length, after, entries: 1, body}
    point = pointAfter(await appendUnleased(context, ref, point, tail))
  }
}
