import type {DoctorCheck} from './patient.js'
import {isAtLeast} from './version.js'

export const nodeCheck: DoctorCheck = {
  name: 'node',
  needsStore: false,
  async look({facts: {node}}) {
    if (isAtLeast(node.version, node.least)) {
      return [{code: 'node', severity: 'note', what: `Node.js ${node.version}`, means: 'new enough'}]
    }
    return [
      {
        code: 'node-too-old',
        severity: 'problem',
        what: `Node.js ${node.version}, and reprise needs ${node.least}`,
        means: 'commands may fail in ways that nobody has tried',
        mend: `Install Node.js ${node.least} or newer.`,
      },
    ]
  },
}
