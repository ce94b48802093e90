import {median} from './numbers.js'
import {timeProgram} from './program.js'

/**
 * Times a command beside an empty Node program, by turns: what else the machine does meets both.
 * @param {import('./worker.js').Worker} worker
 * @param {readonly string[]} argv
 * @param {number} pairs
 * @returns {{value: number, unit: '×', note: string}} the median of the pairs' ratios
 */
export function timePairs(worker, argv, pairs) {
  const ours = []
  const empty = []
  // The first run fills caches of disk and compiler.
  timeProgram(process.execPath, worker.argumentsOf(argv), worker)
  for (let pair = 0; pair < pairs; pair++) {
    empty.push(timeProgram(process.execPath, ['-e', '0'], worker))
    ours.push(timeProgram(process.execPath, worker.argumentsOf(argv), worker))
  }
  return {
    value: median(ours.map((ms, at) => ms / empty[at])),
    unit: '×',
    note: `${Math.round(median(ours))} ms against ${Math.round(median(empty))} ms`,
  }
}
