import {describe, expect, test} from 'vitest'
import {type ConformanceTarget, conformanceCases} from '../../src/testing.js'

/** The whole suite as vitest tests, each against a store of its own. */
export function describeStore(title: string, target: () => Promise<ConformanceTarget>): void {
  describe('an object store', () => {
    for (const {name, run} of conformanceCases()) {
      test(`${title}: ${name}`, async () => {
        await expect(run(await target())).resolves.toBeUndefined()
      })
    }
  })
}
