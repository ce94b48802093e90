import {randomBytes} from 'node:crypto'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {createSessionStore} from '../../src/index.js'
import {parseStoreUrl, resolvePlaceholders} from '../../src/object-store/store-url.js'
import {planPolicy, type PolicyRole} from '../../src/setup/policy.js'
import {scopeOf, type PolicyTarget} from '../../src/setup/policy-scope.js'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {FAKE_CLAUDE} from '../hostile/support/sandbox.js'
import {type IamRequest, isAllowed} from '../support/iam.js'
import {iamRequests} from '../support/iam-requests.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {type LoggedRequest, startStrictS3, type StrictS3} from '../support/strict-s3/index.js'
import {message} from '../support/sync-worker.js'

const URL = 's3://test-bucket/agents/{task}'
const ID = 'abcdef01-2222-4333-8444-555555555555'
const LARGE = 'abcdef02-2222-4333-8444-555555555555'

function policyOf(role: PolicyRole, task?: string, more: Partial<PolicyTarget> = {}) {
  const url = resolvePlaceholders(parseStoreUrl(URL, {cwd: '/'}), task === undefined ? {} : {task})
  return planPolicy(role, scopeOf(role, {url, isPerTask: true, registry: {kind: 'store'}, task, ...more}))
}

function isDelete({operation}: LoggedRequest): boolean {
  return operation === 'DeleteObject' || operation === 'DeleteObjects'
}

/** A session with all that goes up besides its transcript. */
async function writeSession({home, cwd}: CliHome, id: string, content: string): Promise<void> {
  const dir = join(home, '.claude', 'projects', await projectKeyFor(cwd))
  const agents = join(dir, id, 'subagents')
  await mkdir(agents, {recursive: true})
  await mkdir(join(dir, id, 'tool-results'))
  await writeFile(join(dir, `${id}.jsonl`), content)
  await writeFile(join(agents, 'agent-7.jsonl'), message('s1'))
  await writeFile(join(agents, 'agent-7.meta.json'), '{"agentType":"x"}')
  await writeFile(join(dir, id, 'tool-results', 'b1.txt'), 'output')
}

/** 20 MB of lines: more than one request takes. */
function longTalk(): string {
  return Array.from({length: 20}, (_, index) => {
    const content = randomBytes(512 * 1024).toString('hex')
    return `${JSON.stringify({type: 'user', uuid: `l-${index}`, message: {role: 'user', content}})}\n`
  }).join('')
}

describe('a worker with the policy of its task', () => {
  let server: StrictS3
  const homes: CliHome[] = []
  /** What everything below asked of the store, by what asked it. */
  const asked = new Map<string, readonly LoggedRequest[]>()

  async function newHome(): Promise<CliHome> {
    const home = await makeCliHome()
    homes.push(home)
    return home
  }

  async function recorded(name: string, work: () => Promise<unknown>): Promise<void> {
    server.requests.reset()
    await work()
    asked.set(name, [...server.requests.entries])
  }

  beforeAll(async () => {
    server = await startStrictS3()
    // What the policy does not allow is refused, so that whatever needs it fails here as it would there.
    server.faults.deny('DeleteObject')
    server.faults.deny('DeleteObjects')
    const env = {
      REPRISE_STORE: URL,
      REPRISE_ENDPOINT_URL: server.endpoint,
      REPRISE_REGION: server.region,
      REPRISE_CLAUDE_BIN: FAKE_CLAUDE,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    }
    const own = {...env, REPRISE_STORE: URL.replace('{task}', 'T-1')}
    const [a, b] = [await newHome(), await newHome()]
    const done = async (home: CliHome, argv: string[], variables = env) => {
      const {exitCode, stdout, stderr} = await home.run(argv, {env: variables})
      expect([argv, exitCode, stdout + stderr]).toEqual([argv, 0, expect.any(String)])
    }
    await recorded('run', () => done(a, ['run', '--task', 'T-1']))
    await recorded('run --if-exists resume', () => done(b, ['run', '--task', 'T-1', '--if-exists', 'resume']))
    await recorded('resume', () => done(a, ['resume', 'T-1'], own))
    await writeSession(a, ID, message(1))
    await recorded('push', () => done(a, ['push', ID], own))
    await writeSession(b, LARGE, longTalk())
    await recorded('push of a large session', () => done(b, ['push', LARGE], own))
    await writeSession(b, ID, message(1) + message(2))
    await recorded('push of what was pulled elsewhere', () => done(b, ['push', ID], own))
    await recorded('pull, ls, status', async () => {
      await done(a, ['pull', ID], own)
      await done(a, ['ls'], own)
      await done(a, ['status', '--all'], own)
    })
    await recorded('session store', mirror)
  }, 180_000)

  afterAll(async () => {
    await server.close()
    await Promise.all(homes.map(async (home) => home[Symbol.asyncDispose]()))
  })

  async function mirror(): Promise<void> {
    const {endpoint, region, accessKeyId, secretAccessKey} = server
    const s3 = {endpoint, region, credentials: {accessKeyId, secretAccessKey}}
    const key = {projectKey: '-p', sessionId: ID}
    for (const lease of [false, true]) {
      const store = createSessionStore(URL.replace('{task}', 'T-1'), {s3, lease})
      await store.append(key, [{type: 'user', uuid: `u-${lease}`}])
      await store.append({...key, subpath: 'subagents/agent-1'}, [{type: 'user', uuid: `v-${lease}`}])
      await store.load(key)
      await store.listSessions('-p')
      await store.listSessionSummaries('-p')
      await store.listSubkeys(key)
      await store.close()
    }
  }

  const needs = (): readonly IamRequest[] =>
    [...asked.values()]
      .flat()
      .filter((request) => !isDelete(request))
      .flatMap(iamRequests)

  test('everything that was asked is allowed', () => {
    const policy = policyOf('worker', 'T-1')
    expect(needs().length).toBeGreaterThan(150)
    expect(needs().filter((request) => !isAllowed(policy, request))).toEqual([])
    // Nothing of it was spared for want of being asked.
    expect(new Set(needs().map(({action}) => action))).toEqual(
      new Set(['s3:ListBucket', 's3:GetObject', 's3:PutObject']),
    )
    const operations = new Set([...asked.values()].flat().map(({operation}) => operation))
    expect([...operations]).toEqual(expect.arrayContaining(['CreateMultipartUpload', 'UploadPart', 'ListObjectsV2']))
  })

  test('what is deleted is short-lived or superseded, and nobody needs it gone', () => {
    const policy = policyOf('worker', 'T-1')
    const deletes = [...asked.values()].flat().filter(isDelete)
    expect(new Set(deletes.map(({status}) => status))).toEqual(new Set([403]))
    const request = {action: 's3:DeleteObject', resource: 'arn:aws:s3:::test-bucket/agents/T-1/.reprise/probe/x'}
    expect(isAllowed(policy, request)).toBe(false)
    expect(isAllowed(policyOf('compactor'), request)).toBe(true)
  })

  test('nothing of it is allowed for another task', () => {
    const other = policyOf('worker', 'T-2')
    expect(needs().filter((request) => isAllowed(other, request))).toEqual([])
  })

  test.each(['T', 'T-', 'T-*', 'T-?', '*', '${aws:username}', 'T-1/../T-2'])(
    'the task %s reaches itself alone',
    (task) => {
      const policy = policyOf('worker', task)
      expect(needs().filter((request) => isAllowed(policy, request))).toEqual([])
    },
  )

  test('a task that begins like another one does not reach it', () => {
    const policy = policyOf('worker', 'T-1')
    const near = ['agents/T-10/x', 'agents/T-1', 'agents/', '', 'T-1/x', 'other/agents/T-1/x']
    for (const key of near) {
      const arn = 'arn:aws:s3:::test-bucket'
      const list = {action: 's3:ListBucket', resource: arn, context: {'s3:prefix': key}}
      const put = {action: 's3:PutObject', resource: `${arn}/${key}`}
      expect([key, isAllowed(policy, list), isAllowed(policy, put)]).toEqual([key, false, false])
    }
    const everything = {action: 's3:ListBucket', resource: 'arn:aws:s3:::test-bucket'}
    expect(isAllowed(policy, everything)).toBe(false)
  })

  test('a reader reads all of it, and changes nothing', () => {
    for (const policy of [policyOf('reader', 'T-1'), policyOf('reader')]) {
      const refused = needs().filter((request) => !isAllowed(policy, request))
      expect(new Set(refused.map(({action}) => action))).toEqual(new Set(['s3:PutObject']))
      for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:PutObjectAcl']) {
        expect(isAllowed(policy, {action, resource: 'arn:aws:s3:::test-bucket/agents/T-1/x'})).toBe(false)
      }
    }
    expect(policyOf('reader', 'T-1')).not.toEqual(policyOf('reader'))
  })

  test('a compactor may do everything that a worker does, in every task', () => {
    const policy = policyOf('compactor')
    expect(needs().filter((request) => !isAllowed(policy, request))).toEqual([])
  })
})
