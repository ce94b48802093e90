import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'
import {expect, test} from 'vitest'
import {checkDelivery, checkEpochs, checkOrder, History} from '../scripts/chaos/history.js'

const PROGRAM = fileURLToPath(new URL('../scripts/chaos.js', import.meta.url))

test.each([
  ['store', 6],
  ['dynamodb', 4],
  ['none', 4],
])(
  'machines with wrong clocks, killed and paused, leases in %s: all that was acknowledged is there once',
  async (leases, seconds) => {
    const some = `--seconds ${seconds} --workers 3 --sessions 4 --leases ${leases}`
    const child = spawn(process.execPath, [PROGRAM, ...some.split(' ')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 110_000,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
    const [code] = await once(child, 'exit')
    expect(code, said).toBe(0)
    const count = (what: string) => Number(new RegExp(`${what} (\\d+)`).exec(said)?.[1])
    expect(count('kills') + count('pauses'), said).toBeGreaterThan(0)
    // The last holder makes one for each of twelve transcripts.
    expect(count('calls'), said).toBeGreaterThan(12)
  },
  120_000,
)

interface Told {
  readonly process: string
  readonly names: readonly string[]
  readonly epoch?: number
  readonly sentAt?: number
  readonly toldAt?: number
}

/** What journals say that hold these calls, each of them acknowledged. */
function transcriptOf(...calls: readonly Told[]) {
  const history = new History()
  for (const [call, {process, names, epoch, sentAt = call, toldAt = sentAt}] of calls.entries()) {
    const leased = epoch !== undefined
    history.add(process, {type: 'sent', call, transcript: 's', leased, names: [...names], at: sentAt})
    history.add(process, {type: 'acknowledged', call, ...(leased && {epoch}), at: toldAt})
  }
  return history.transcript('s')
}

test('a run finds what was lost, what came twice, and what nobody sent', () => {
  const transcript = transcriptOf({process: 'a', names: ['i-a-1', 'p-a-2']}, {process: 'b', names: ['p-a-2', 'i-a-1']})
  const check = (...delivered: string[]) => checkDelivery(transcript, transcript.acknowledged, delivered)
  expect(check('i-a-1', 'p-a-2')).toEqual([])
  // What has no uuid may come as often as it was sent.
  expect(check('i-a-1', 'p-a-2', 'p-a-2')).toEqual([])
  expect(check('i-a-1')).toEqual(['lost: p-a-2 was acknowledged'])
  expect(check('i-a-1', 'i-a-1', 'p-a-2')).toEqual(['repeated: i-a-1 is given 2 times and was to be 1 times'])
  expect(check('i-a-1', 'p-a-2', 'p-a-2', 'p-a-2')).toEqual(['repeated: p-a-2 is given 3 times and was to be 2 times'])
  expect(check('i-a-1', 'p-a-2', 'i-c-1')).toEqual(['unknown: i-c-1 was never sent there'])
})

test('a run finds what stands in another order than it was acknowledged in', () => {
  const transcript = transcriptOf(
    {process: 'a', names: ['i-a-1', 'i-a-2'], epoch: 1},
    {process: 'b', names: ['i-b-1'], epoch: 2},
    {process: 'a', names: ['i-a-3'], epoch: 3},
  )
  expect(checkOrder(transcript, ['i-a-1', 'i-b-1', 'i-a-2', 'i-a-3'])).toEqual([])
  expect(checkOrder(transcript, ['i-a-2', 'i-a-1', 'i-b-1', 'i-a-3'])).toEqual(['order: i-a-2 stands before i-a-1'])
  expect(checkOrder(transcript, ['i-a-3', 'i-a-1', 'i-a-2'])).toEqual(['order: i-a-3 stands before i-a-2'])
  const open = transcriptOf(
    {process: 'a', names: ['i-a-1']},
    {process: 'b', names: ['i-b-1']},
    {process: 'a', names: ['i-a-2']},
  )
  expect(checkOrder(open, ['i-b-1', 'i-a-1', 'i-a-2'])).toEqual([])
  expect(checkOrder(open, ['i-a-2', 'i-b-1', 'i-a-1'])).toEqual(['order: i-a-2 stands before i-a-1'])
})

test('a run finds who wrote under a lease that another had taken over', () => {
  const first = {process: 'a', names: ['i-a-1'], epoch: 1, sentAt: 10, toldAt: 20}
  const second = {process: 'b', names: ['i-b-1'], epoch: 3, sentAt: 30, toldAt: 40}
  const [inTime, late] = [
    {process: 'a', names: ['i-a-2'], epoch: 1, sentAt: 39, toldAt: 90},
    {process: 'a', names: ['i-a-2'], epoch: 1, sentAt: 41, toldAt: 90},
  ]
  expect(checkEpochs(transcriptOf(first, second, inTime), ['i-a-1', 'i-a-2', 'i-b-1'])).toEqual([])
  expect(checkEpochs(transcriptOf(first, second, inTime), ['i-a-1', 'i-b-1', 'i-a-2'])).toEqual([
    'epochs: i-a-2 (epoch 1) stands behind i-b-1 (epoch 3)',
  ])
  expect(checkEpochs(transcriptOf(first, second, late), ['i-a-1', 'i-a-2', 'i-b-1'])).toEqual([
    'two writers: call 2 of a was begun and acknowledged under epoch 1 1 ms after a later epoch had acknowledged',
  ])
})
