// Preloaded into reprise: workers on one machine have to look like several, or a lease of a dead process would be free at once.
const os = require('node:os')
const {syncBuiltinESMExports} = require('node:module')

const name = process.env.E2E_MACHINE
if (name) {
  os.hostname = () => name
  syncBuiltinESMExports()
}
