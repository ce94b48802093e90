import type {Core} from '../core.js'
import {Violation} from '../violation.js'
import {type Choice, commute, nameOf} from './choice.js'
import {Execution} from './execution.js'
import type {Scene} from './scene.js'

export interface ExploreOptions {
  /** How often a process crashes, or a request gets lost, comes late or comes twice: at every place where it can. */
  readonly faults: number
  /** Requests for metadata that a process has under way at once. */
  readonly atOnce: number
  /** Steps to take at most. */
  readonly steps?: number
}

export interface Explored {
  /** Played to their end; those that differ from one of them only in the order of what commutes are not counted. */
  readonly schedules: number
  /** States that were reached, in each of which the invariants hold. */
  readonly states: number
  readonly steps: number
  /** Every schedule is covered. */
  readonly isComplete: boolean
  readonly violation?: string
}

/** Where to go on, and what need not be taken there: it was, and everything since commutes with it. */
interface Branch {
  readonly path: readonly Choice[]
  readonly asleep: readonly Choice[]
}

/**
 * Plays all schedules of a scene, depth first, each from its beginning. States that were reached before are not left again by a choice
 * that was taken there (state matching with sleep sets, after Godefroid).
 */
export async function explore(
  core: Core,
  scene: Scene,
  {faults, atOnce, steps: most = Infinity}: ExploreOptions,
): Promise<Explored> {
  const seen = new Map<string, readonly Choice[]>()
  const branches: Branch[] = [{path: [], asleep: []}]
  let [schedules, steps] = [0, 0]
  const result = (isComplete: boolean): Explored => ({schedules, steps, states: seen.size, isComplete})
  try {
    for (let branch = branches.pop(); branch; branch = branches.pop()) {
      if (steps >= most) return result(false)
      const execution = await Execution.begin(core, scene, {faults, atOnce})
      for (const choice of branch.path) await execution.take(choice)
      let {asleep} = branch
      for (;;) {
        const print = await execution.fingerprint()
        const before = seen.get(print)
        if (!before) await execution.check()
        if (!before && execution.isOver) await execution.checkEnd()
        const todo = without(execution.choices, asleep).filter((each) => !before || includes(before, each))
        seen.set(print, before ? before.filter((each) => includes(asleep, each)) : asleep)
        const [first, ...others] = todo
        if (!first) break
        let taken: readonly Choice[] = [...asleep, first]
        const branched: Branch[] = []
        for (const other of others) {
          branched.push({path: [...execution.path, other], asleep: taken.filter((each) => commute(each, other))})
          taken = [...taken, other]
        }
        branches.push(...branched.toReversed())
        asleep = asleep.filter((each) => commute(each, first))
        await execution.take(first)
        steps++
      }
      if (execution.choices.length === 0) schedules++
    }
    return result(true)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return {...result(false), violation: error.message}
  }
}

function includes(choices: readonly Choice[], wanted: Choice): boolean {
  return choices.some((each) => nameOf(each) === nameOf(wanted))
}

function without(choices: readonly Choice[], left: readonly Choice[]): readonly Choice[] {
  return choices.filter((each) => !includes(left, each))
}
