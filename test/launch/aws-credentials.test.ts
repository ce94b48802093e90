import {chmod, mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {awsCredentialsIn, usesBedrock} from '../../src/launch/aws-credentials.js'
import {planAsShell} from '../../src/launch/print-plan.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {startStrictS3, type StrictS3} from '../support/strict-s3/index.js'

const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'token',
  AWS_PROFILE: 'p',
  AWS_DEFAULT_PROFILE: 'p',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials',
  AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
  AWS_CONTAINER_AUTHORIZATION_TOKEN: 't',
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/var/run/token',
  AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token',
  AWS_ROLE_ARN: 'arn:aws:iam::1:role/r',
  AWS_ROLE_SESSION_NAME: 's',
  AWS_SHARED_CREDENTIALS_FILE: '/home/me/credentials',
  AWS_CONFIG_FILE: '/home/me/config',
}
const OTHERS = {
  PATH: '/bin',
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
  ANTHROPIC_API_KEY: 'k',
  MY_AWS_ACCESS_KEY_ID: 'not read by anybody',
}

describe('which variables lead to AWS credentials', () => {
  test('those of the chain, and no others', () => {
    expect(awsCredentialsIn({...CREDENTIALS, ...OTHERS}).toSorted()).toEqual(Object.keys(CREDENTIALS).toSorted())
  })

  test.each([
    [{}, false],
    [{CLAUDE_CODE_USE_BEDROCK: ''}, false],
    [{CLAUDE_CODE_USE_BEDROCK: '0'}, false],
    [{CLAUDE_CODE_USE_BEDROCK: 'False'}, false],
    [{CLAUDE_CODE_USE_BEDROCK: '1'}, true],
  ])('%j: claude uses Bedrock %s', (env, expected) => {
    expect(usesBedrock(env)).toBe(expected)
  })

  test('a line of shell takes them out too', () => {
    const plan = {sessionId: 'id', cwd: '/w', argv: ['/bin/claude'], env: {CLAUDE_CONFIG_DIR: '/c'}} as const
    expect(planAsShell({...plan, unset: ['AWS_PROFILE', 'AWS_ROLE_ARN']})).toBe(
      'cd /w && env -u AWS_PROFILE -u AWS_ROLE_ARN CLAUDE_CONFIG_DIR=/c /bin/claude',
    )
  })
})

describe('what claude inherits', () => {
  let home: CliHome
  let server: StrictS3
  let seen: string
  let argv: readonly string[]

  beforeAll(async () => {
    home = await makeCliHome()
    server = await startStrictS3()
    // Stands for claude: it writes down its environment.
    const claude = join(home.home, 'claude')
    seen = join(home.home, 'seen')
    await writeFile(claude, `#!/bin/sh\nenv > '${seen}'\n`)
    await chmod(claude, 0o755)
    // The only place where credentials are that the store takes.
    await mkdir(join(home.home, '.aws'))
    const {accessKeyId, secretAccessKey} = server
    await writeFile(
      join(home.home, '.aws', 'credentials'),
      `[mirror]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    )
    argv = ['--store', `s3://${server.bucket}`, '--endpoint-url', server.endpoint, '--region', server.region]
    argv = ['run', ...argv, '--claude-bin', claude]
  })

  afterAll(async () => {
    await server.close()
    await home[Symbol.asyncDispose]()
  })

  const THEIRS = {AWS_ACCESS_KEY_ID: 'of-the-agent', AWS_SECRET_ACCESS_KEY: 'also', AWS_REGION: 'eu-west-1'}

  async function start(env: Readonly<Record<string, string>>, ...more: string[]) {
    const run = await home.run([...argv, ...more], {env})
    const lines = (await readFile(seen, 'utf8')).split('\n')
    return {...run, inherited: lines.filter((line) => line.startsWith('AWS_')).toSorted()}
  }

  test.each(['--profile', '--aws-profile'])('%s is for the store alone', async (flag) => {
    const {exitCode, stderr, inherited} = await start(THEIRS, flag, 'mirror')
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(inherited).toEqual(
      Object.entries(THEIRS)
        .map(([name, value]) => `${name}=${value}`)
        .toSorted(),
    )
  })

  test('what quiets the SDK is passed on only where the user has set it', async () => {
    const quiet = {AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true'}
    const {inherited} = await start({...quiet, AWS_REGION: 'eu-west-1'}, '--profile', 'mirror')
    expect(inherited).toEqual(['AWS_REGION=eu-west-1', `${Object.keys(quiet).join()}=true`])
  })

  test('--scrub-aws takes credentials out, and nothing else', async () => {
    const {exitCode, stderr, inherited} = await start(THEIRS, '--aws-profile', 'mirror', '--scrub-aws')
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(inherited).toEqual(['AWS_REGION=eu-west-1'])
  })

  test('the store itself may be reached with what claude does not get', async () => {
    const own = {AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey}
    const {exitCode, inherited} = await start(own, '--scrub-aws')
    expect([exitCode, inherited]).toEqual([0, []])
  })

  test('says so where claude needs them for its models', async () => {
    const env = {...THEIRS, CLAUDE_CODE_USE_BEDROCK: '1'}
    const {exitCode, stderr, inherited} = await start(env, '--aws-profile', 'mirror', '--scrub-aws')
    expect([exitCode, inherited]).toEqual([0, ['AWS_REGION=eu-west-1']])
    expect(stderr).toMatch(/^reprise: claude is to use Bedrock .*--scrub-aws/)
  })
})
