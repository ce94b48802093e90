import {readFileSync} from 'node:fs'
import {describe, expect, test} from 'vitest'
import {parseStoreUrl, resolvePlaceholders} from '../../src/object-store/store-url.js'
import {parseRegistryUrl} from '../../src/registry/registry-url.js'
import {planPolicy} from '../../src/setup/policy.js'
import {scopeOf} from '../../src/setup/policy-scope.js'

const STORE = 's3://transcripts/agents/{task}'
const TASK = 'T-1042'

function documented(page: string): unknown {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const block = [...text.matchAll(/```json\n(\{\n {2}"Version"[\s\S]*?)```/gu)][0]?.[1]
  return JSON.parse(block ?? 'null')
}

function printed(registry: string): unknown {
  const url = resolvePlaceholders(parseStoreUrl(STORE, {cwd: '/'}), {task: TASK})
  const target = {url, isPerTask: true, registry: parseRegistryUrl(registry), task: TASK}
  return planPolicy('worker', scopeOf('worker', target))
}

describe('the policies that people copy', () => {
  test('of docs/fleet.md', () => {
    expect(documented('fleet.md')).toEqual(printed('dynamodb://agent-tasks?region=eu-central-1'))
  })

  test('of docs/security.md', () => {
    expect(documented('security.md')).toEqual(printed('store'))
  })
})
