import {BlockList, isIP} from 'node:net'
import {RepriseError} from '../../base/errors.js'
import type {S3Addressing} from './options.js'

/** Where instance credentials are handed out: nothing of a store lies there, and whoever is led there leaks a role. */
const LINK_LOCAL = new BlockList()
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4')
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6')
// AWS's metadata service over IPv6, Alibaba's over IPv4: not link-local by number, but the same thing.
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6')
LINK_LOCAL.addAddress('100.100.100.200', 'ipv4')

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

const METADATA_NAMES = /^(instance-data(\..*)?|metadata(\.google\.internal|\.azure\.internal)?)$/

/** Whose endpoint it is, in messages. */
export interface Service {
  readonly name: string
  /** Where it is configured. */
  readonly settings: string
}

const S3: Service = {name: 'S3', settings: '--endpoint-url, AWS_S3_ENDPOINT and AWS_ENDPOINT_URL_S3'}

/**
 * Refuses endpoints that would give transcripts or credentials away. Asked of what the caller configured, and again of each
 * host that a request is about to go to.
 *
 * @throws ENDPOINT_REFUSED (usage)
 */
export function checkHost(protocol: string, hostname: string, insecure: boolean, service: Service = S3): void {
  const host = bareHost(hostname)
  if (isLinkLocal(host) || METADATA_NAMES.test(host)) {
    throw refused(`The ${service.name} endpoint ${host} is a link-local or metadata address, which is never a store.`, [
      `Check ${service.settings}.`,
    ])
  }
  if (protocol === 'http:' && !insecure && !isLoopback(host)) {
    throw refused(`The ${service.name} endpoint http://${hostname} is not encrypted, and not on this machine.`, [
      'Use https.',
      'Give --insecure if everybody on the way may read the transcripts.',
    ])
  }
}

/** @throws ENDPOINT_REFUSED (usage) for what is no plain `http(s)://host[:port][/path]`. The message holds no userinfo. */
export function parseEndpoint(endpoint: string, insecure: boolean, service: Service = S3): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw refused(`The ${service.name} endpoint is no http or https URL.`, ['Give it as https://host[:port].'])
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(`The ${service.name} endpoint ${url.protocol}//***@${url.host} holds credentials.`, [
      'Leave them out: AWS clients use the usual credential chain (AWS_PROFILE, AWS_ACCESS_KEY_ID, roles).',
    ])
  }
  if (url.search !== '' || url.hash !== '') {
    throw refused(`The ${service.name} endpoint ${url.protocol}//${url.host} has a query or a fragment.`, [])
  }
  checkHost(url.protocol, url.hostname, insecure, service)
  return url
}

/** Whether requests name the bucket in their path, to begin with. Without a custom endpoint the SDK decides. */
export function startsWithPath(addressing: S3Addressing, endpoint: URL | undefined): boolean {
  if (addressing !== 'auto') return addressing === 'path'
  return endpoint !== undefined && !isAws(endpoint.hostname)
}

/** Whether an endpoint that refuses path-style requests may be asked in the other way: a bucket fits before a name only. */
export function mayTurnVirtual(addressing: S3Addressing, endpoint: URL | undefined): boolean {
  if (addressing !== 'auto' || endpoint === undefined) return false
  return isIP(bareHost(endpoint.hostname)) === 0
}

/** Whether directory buckets are asked with CreateSession there: only AWS has it, at the endpoints of its zones. */
export function hasSessions(endpoint: URL): boolean {
  return isAws(endpoint.hostname)
}

export function isLinkLocal(address: string): boolean {
  return isListed(LINK_LOCAL, address)
}

/** By number, or by a name that RFC 6761 keeps for the loopback. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isListed(LOOPBACK, host)
}

/** BlockList compares the IPv6-mapped form of an IPv4 address with the IPv4 rules by itself. */
function isListed(list: BlockList, address: string): boolean {
  const family = isIP(address.split('%', 1)[0] ?? '')
  if (family === 0) return false
  return list.check(address.split('%', 1)[0] ?? '', family === 6 ? 'ipv6' : 'ipv4')
}

function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
}

function isAws(hostname: string): boolean {
  return /(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(bareHost(hostname))
}

function refused(message: string, suggestions: readonly string[]): RepriseError {
  return new RepriseError({kind: 'usage', code: 'ENDPOINT_REFUSED', message, suggestions})
}
