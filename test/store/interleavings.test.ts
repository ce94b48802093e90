import {afterAll, describe, expect, test} from 'vitest'
import {core} from '../support/simulation/core.js'
import {explore, type ExploreOptions} from '../support/simulation/interleavings/explore.js'
import {SCENES} from '../support/simulation/interleavings/scenes.js'

const isFull = process.env['FULL'] === '1'

/** Every order of the requests; and every order with one crash, or one request that is lost, late or doubled, anywhere. */
const BOUNDS: readonly (ExploreOptions & {readonly of: string})[] = isFull
  ? [
      {of: 'every order', faults: 0, atOnce: 1},
      {of: 'every order, with what runs beside each other', faults: 0, atOnce: 16, steps: 200_000},
      {of: 'every order and one fault', faults: 1, atOnce: 1, steps: 400_000},
    ]
  : [
      {of: 'every order', faults: 0, atOnce: 1, steps: 2_500},
      {of: 'every order and one fault', faults: 1, atOnce: 1, steps: 2_000},
    ]

const told: string[] = []
const total = {schedules: 0, states: 0}

afterAll(() => {
  process.stderr.write(
    `interleavings: ${total.schedules} schedules through ${total.states} states\n${told.join('\n')}\n`,
  )
})

describe.each(SCENES)('$name', (scene) => {
  test.each(BOUNDS)('$of', {timeout: isFull ? 1_800_000 : 120_000}, async ({of, ...bounds}) => {
    const {schedules, states, steps, isComplete, violation} = await explore(core, scene, bounds)
    total.schedules += schedules
    total.states += states
    told.push(
      `  ${scene.name}: ${of}: ${schedules} schedules, ${states} states${isComplete ? '' : `, cut at ${steps} steps`}`,
    )
    expect(violation).toBeUndefined()
    expect(schedules).toBeGreaterThan(10)
  })
})

test('the same schedules each time', async () => {
  const scene = SCENES[1]
  if (!scene) throw new Error('there are scenes')
  const bounds = {faults: 1, atOnce: 1, steps: 300}
  expect(await explore(core, scene, bounds)).toEqual(await explore(core, scene, bounds))
})
