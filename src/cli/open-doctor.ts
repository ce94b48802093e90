import {join} from 'node:path'
import {toRepriseError} from '../base/errors.js'
import type {Patient, Facts} from '../doctor/patient.js'
import {Survey} from '../doctor/survey.js'
import {BucketUploads} from '../doctor/uploads.js'
import {claudeVersion, findClaude} from '../launch/find-claude.js'
import type {S3Connection} from '../object-store/s3/connection.js'
import type {S3StoreUrl, StoreUrl} from '../object-store/store-url.js'
import {parseRegistryUrl} from '../registry/registry-url.js'
import {openConnection} from './open-setup.js'
import {resolveUrl} from './open-prefixed.js'
import type {Runtime} from './runtime.js'
import {openSync} from './sync-context.js'

const CREDENTIALS_WAIT_MS = 10_000
const LEAST_NODE = '20.19.0'

/** This machine, its settings and its first store, for an examination. Nothing of it is the value of a secret. */
export async function openDoctor(runtime: Runtime): Promise<Patient> {
  const {context: sync, processes} = await openSync(runtime, {whateverAgreed: true})
  const [url] = await runtime.storeUrls()
  if (!url) throw new Error('a run has at least one store')
  const resolved = await resolveUrl(runtime, url, undefined)
  const connection = resolved.kind === 's3' ? await openConnection(runtime, resolved) : undefined
  const facts = await gather(runtime, resolved, connection)
  const uploads = connection && new BucketUploads(connection, resolved.prefix)
  return {sync, processes, facts, survey: new Survey(sync), ...(uploads && {uploads})}
}

async function gather(runtime: Runtime, url: StoreUrl, connection: S3Connection | undefined): Promise<Facts> {
  const {settings, env, directories} = runtime
  const usesAws = url.kind === 's3' || parseRegistryUrl(settings.registry).kind === 'dynamodb'
  const [claude, credentials] = await Promise.all([claudeHere(runtime), usesAws ? credentialsOf(runtime) : undefined])
  const endpoint = connection?.endpoint
  return {
    node: {version: process.versions.node, least: LEAST_NODE},
    claude,
    store: {isDefault: isDefault(url, directories.data), ...(url.kind === 's3' && {bucket: bucketOf(url)})},
    ...(credentials && {credentials}),
    ...(endpoint && {endpoint: {url: endpoint.origin, source: endpointSource(settings.endpointUrl, env)}}),
    stateDir: directories.state,
  }
}

function isDefault(url: StoreUrl, data: string): boolean {
  return url.kind === 'file' && url.dir === join(data, 'store')
}

function bucketOf({bucket: name, prefix}: S3StoreUrl): {readonly name: string; readonly prefix: string} {
  return {name, prefix}
}

async function claudeHere({settings, env}: Runtime): Promise<Facts['claude']> {
  const {claudeBin: bin, cwd} = settings
  try {
    const path = await findClaude({bin, path: env['PATH'], cwd, workingDirectory: process.cwd()})
    return {path, version: await claudeVersion(path, env)}
  } catch (error) {
    return {missing: toRepriseError(error).message}
  }
}

/** Found by the SDK as for each request; of what it finds only where it came from is kept. */
async function credentialsOf({settings, clock}: Runtime): Promise<NonNullable<Facts['credentials']>> {
  const {S3Client} = await import('@aws-sdk/client-s3')
  const {profile} = settings
  const client = new S3Client({region: 'us-east-1', ...(profile !== undefined && {profile})})
  const patience = new AbortController()
  try {
    const late = clock.sleep(CREDENTIALS_WAIT_MS, patience.signal).then(() => Promise.reject(new Error('no answer')))
    const found: object = await Promise.race([client.config.credentials(), late])
    const [source] = '$source' in found ? Object.keys(found.$source ?? {}) : []
    return {source: SOURCES[source ?? ''] ?? 'found by the AWS SDK'}
  } catch (error) {
    return {missing: error instanceof Error ? error.message : 'the AWS SDK found none'}
  } finally {
    patience.abort()
    client.destroy()
  }
}

/** As the SDK calls them. */
const SOURCES: Readonly<Record<string, string>> = {
  CREDENTIALS_ENV_VARS: 'the environment (AWS_ACCESS_KEY_ID)',
  CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN: 'a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)',
  CREDENTIALS_PROFILE: 'a profile in the shared files',
  CREDENTIALS_PROFILE_SOURCE_PROFILE: 'a role that a profile names',
  CREDENTIALS_PROFILE_SSO: 'a profile with single sign-on',
  CREDENTIALS_PROFILE_PROCESS: 'a program that a profile names',
  CREDENTIALS_SSO: 'single sign-on',
  CREDENTIALS_PROCESS: 'a program that a profile names',
  CREDENTIALS_STS_ASSUME_ROLE: 'an assumed role',
  CREDENTIALS_STS_ASSUME_ROLE_WEB_ID: 'a web identity token',
  CREDENTIALS_HTTP: 'the container service',
  CREDENTIALS_IMDS: 'the instance',
}

/** In the order in which settings are looked up; on the command line it stands in no variable. */
function endpointSource(given: string | undefined, env: Runtime['env']): string {
  const names = ['REPRISE_ENDPOINT_URL', 'AWS_S3_ENDPOINT', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']
  const own = names.slice(0, 2).find((name) => given !== undefined && env[name] === given)
  if (given !== undefined) return own ?? '--endpoint-url or config.json'
  return names.slice(2).find((name) => (env[name] ?? '') !== '') ?? 'the AWS profile'
}
