#!/usr/bin/env node
// Plain syntax throughout: an old Node must get as far as the message that it is too old.
import module from 'node:module'
import {readFileSync} from 'node:fs'

var version = process.versions.node.split('.').map(Number)
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write('Error: reprise needs Node.js 20.19 or later, this is ' + process.version + '. [NODE_TOO_OLD]\n')
  process.exit(2)
}

if (module.enableCompileCache) module.enableCompileCache()

var argv = process.argv.slice(2)
if (argv.length === 1 && argv[0] === '--version') {
  // Scripts ask this on every start: answered without loading the command line.
  var own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  process.stdout.write(
    'reprise/' + own.version + ' ' + process.platform + '-' + process.arch + ' node-' + process.version + '\n',
  )
} else {
  void import('../dist/cli/main.js').then(function (cli) {
    return cli.main(argv, new URL('..', import.meta.url))
  })
}
