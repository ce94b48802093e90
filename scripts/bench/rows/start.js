import {timePairs} from '../pairs.js'

/** @type {import('../row.js').Row} */
export const start = {
  name: 'start',
  title: 'reprise --version, against node -e 0',
  needs: [],
  async run({newWorker}) {
    const worker = newWorker('start')
    return [
      {what: 'time of --version', atMost: 2.6, ...timePairs(worker, ['--version'], 21)},
      {what: 'time of push --help', ...timePairs(worker, ['push', '--help'], 21)},
    ]
  },
}
