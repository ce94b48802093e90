import {describe, expect, test} from 'vitest'
import {ByteBudget} from '../../src/base/byte-budget.js'

describe('ByteBudget', () => {
  test('never holds more than its limit, and serves everybody', async () => {
    const budget = new ByteBudget(10)
    let held = 0
    let most = 0
    const sizes = [3, 4, 5, 10, 1, 9, 30, 2]
    await Promise.all(
      sizes.map(async (size) =>
        budget.hold(size, undefined, async () => {
          held += Math.min(size, 10)
          most = Math.max(most, held)
          await new Promise((resolve) => setTimeout(resolve, 5))
          held -= Math.min(size, 10)
        }),
      ),
    )
    expect(most).toBeLessThanOrEqual(10)
    expect(held).toBe(0)
  })

  test('who gives up waiting lets the next one in; a failure gives its bytes back', async () => {
    const budget = new ByteBudget(10)
    const stop = new AbortController()
    let release: (() => void) | undefined
    const first = budget.hold(8, undefined, () => new Promise<void>((resolve) => (release = resolve)))
    const second = budget.hold(9, stop.signal, async () => 'second')
    const third = budget.hold(2, undefined, async () => Promise.reject(new Error('third failed')))
    stop.abort(new Error('given up'))
    await expect(second).rejects.toThrow('given up')
    await expect(third).rejects.toThrow('third failed')
    release?.()
    await first
    await expect(budget.hold(10, undefined, async () => 'all')).resolves.toBe('all')
  })
})
