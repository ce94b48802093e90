/**
 * @typedef {object} Figure one measured value
 * @property {string} what
 * @property {number} value
 * @property {'requests' | 'KiB' | 'MiB' | 'MB/s' | 'ms' | '×'} unit
 * @property {number} [atMost] its bound
 * @property {number} [atLeast] its bound from below
 * @property {number} [aim] better than the bound, and no failure when missed
 * @property {string} [note]
 */

/**
 * @typedef {object} Bench what a row measures with
 * @property {string} root the repository
 * @property {string} scratch a directory for anything; removed at the end
 * @property {import('./strict-server.js').StrictServer} server
 * @property {(prefix: string, env?: Record<string, string>) => import('./worker.js').Worker} newWorker a worker whose store is
 *   that prefix of the server's bucket
 * @property {(command: string) => boolean} has whether this build has a command
 * @property {(text: string) => void} say progress, for people
 */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} title
 * @property {readonly string[]} needs commands without which it cannot run
 * @property {(bench: Bench) => Promise<Figure[]>} run
 */

/**
 * `PutObject 2 · ListObjectsV2 1`
 * @param {import('./strict-server.js').Traffic} traffic
 */
export function operationsOf({operations}) {
  return Object.entries(operations)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(' · ')
}
