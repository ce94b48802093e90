import {execFile} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {compile, type Compiled} from '../launch/support/compiled.js'

const PROGRAM = fileURLToPath(new URL('support/warned.js', import.meta.url))

let modules: Compiled
beforeAll(async () => {
  modules = await compile(['library/session-store.ts', 'library/task-registry.ts'])
})
afterAll(async () => modules[Symbol.asyncDispose]())

test('a program sees the warnings that are its own, and none of the AWS SDK about a Node that is supported here', async () => {
  const {AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: _, ...env} = process.env
  const local = {...env, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9'}
  const {stdout, stderr} = await promisify(execFile)(process.execPath, [PROGRAM, modules.url('')], {env: local})
  expect(stdout).toBe('')
  const warnings = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('(Use `node --trace-warnings'))
  expect(warnings.map((line) => line.replace(/^\(node:\d+\) /, ''))).toEqual([
    'Warning: of the program, before',
    'Warning: of the program, after',
  ])
})
