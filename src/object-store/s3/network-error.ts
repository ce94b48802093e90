import type {S3Failure} from './failure.js'

/** What went wrong on the way to the store. */
export interface NetworkFailure {
  readonly problem: string
  readonly suggestions: readonly string[]
}

const ENDPOINT = 'Check the endpoint (--endpoint-url, AWS_ENDPOINT_URL_S3) and the region.'
const TLS: NetworkFailure = {
  problem: "the server's TLS certificate is not trusted, or it speaks no TLS there",
  suggestions: [
    'Name the authority that signed it: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.',
    'Check the port, and whether the endpoint begins with https or http.',
  ],
}
const BROKEN: NetworkFailure = {problem: 'the connection broke', suggestions: ['Try again.']}
const TIMEOUT: NetworkFailure = {
  problem: 'the store did not answer in time',
  suggestions: ['Try again; raise --timeout on a slow line.', ENDPOINT],
}
const NO_NAME: NetworkFailure = {problem: "the endpoint's name does not resolve", suggestions: [ENDPOINT]}

const BY_CODE: Readonly<Record<string, NetworkFailure>> = {
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  ELINKLOCAL: {
    problem: "the endpoint's name leads to a link-local address, which is never a store",
    suggestions: [ENDPOINT],
  },
  ECONNREFUSED: {problem: 'nothing listens there', suggestions: ['Check that the server runs.', ENDPOINT]},
  EHOSTUNREACH: {problem: 'there is no route to the endpoint', suggestions: ['Check the network.', ENDPOINT]},
  ENETUNREACH: {problem: 'there is no route to the endpoint', suggestions: ['Check the network.', ENDPOINT]},
  ETIMEDOUT: TIMEOUT,
  ESOCKETTIMEDOUT: TIMEOUT,
  ECONNRESET: BROKEN,
  ECONNABORTED: BROKEN,
  EPIPE: BROKEN,
  ERR_STREAM_PREMATURE_CLOSE: BROKEN,
  HPE_INVALID_CONSTANT: {problem: 'what answered speaks no HTTP', suggestions: [ENDPOINT]},
  EPROTO: TLS,
  ERR_TLS_CERT_ALTNAME_INVALID: TLS,
}

/** @returns undefined for what is no failure of the network. */
export function networkFailure({name, code, message}: S3Failure): NetworkFailure | undefined {
  const known = code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined
  if (known !== undefined) return known
  if (name === 'TimeoutError') return TIMEOUT
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL/.test(code ?? '')) return TLS
  return /^Connection lost|^aborted$|socket hang up/.test(message) ? BROKEN : undefined
}
