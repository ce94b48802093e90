import type {S3Failure} from './failure.js'

const WRONG_TIME = ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture', 'InvalidSignatureException']
/** A client of the SDK, whatever its service. */
interface CredentialHolder {
  readonly config: {
    credentials(options?: {readonly forceRefresh?: boolean}): Promise<{
      readonly accessKeyId: string
      readonly sessionToken?: string | undefined
    }>
  }
}

const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']

/**
 * Whether a request was refused for this machine's wrong clock. The SDK has taken the store's time from the answer, so that the
 * next request is signed right; the answer to a HEAD has no body that would give the reason.
 */
export function wasSentAtWrongTime({name, status, clockCorrected}: S3Failure, operation: string): boolean {
  return clockCorrected && (WRONG_TIME.includes(name) || (operation === 'HeadObject' && status === 403))
}

/** Whether a request was refused for credentials that have expired, be it before the time that they were given for. */
export function hasExpired({name, status}: S3Failure, operation: string): boolean {
  return EXPIRED.includes(name) || (operation === 'HeadObject' && status === 400)
}

/** Takes new credentials where the store says that the present ones have expired, once for all requests that it says so of. */
export class CredentialRenewal {
  #count = 0
  #renewing: Promise<void> | undefined

  /** How often there were new ones: to be taken before a request is sent. */
  get count(): number {
    return this.#count
  }

  /** @returns whether there are others than those of a request that was sent at `count` */
  async renewed(client: CredentialHolder, count: number): Promise<boolean> {
    if (count === this.#count) {
      this.#renewing ??= this.#renew(client).finally(() => {
        this.#renewing = undefined
      })
      await this.#renewing
    }
    return count !== this.#count
  }

  async #renew({config}: CredentialHolder): Promise<void> {
    try {
      const before = await config.credentials()
      const after = await config.credentials({forceRefresh: true})
      if (after.accessKeyId !== before.accessKeyId || after.sessionToken !== before.sessionToken) this.#count++
    } catch {
      // That they have expired says more than why there are no others.
    }
  }
}
