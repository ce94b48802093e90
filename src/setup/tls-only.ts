import {type Asked, type Step, unchecked} from './check.js'
import {POLICY_VERSION, type PolicyDocument, type PolicyStatement} from './policy-document.js'

const SID = 'RefuseWithoutTls'

export interface TlsFacts {
  readonly policy: Asked<PolicyDocument | undefined>
  /** `arn:aws:s3:::bucket` */
  readonly arn: string
  /** We reach the store over plain http: the policy would shut us out. */
  readonly plainHttp: boolean
}

/** The whole bucket policy that is to stand in place of the present one. */
export interface PolicyChange {
  readonly type: 'policy'
  readonly policy: PolicyDocument
}

/** A bucket policy that refuses requests without TLS, beside whatever else the policy says. */
export function planTlsOnly({policy, arn, plainHttp}: TlsFacts): Step<PolicyChange> {
  const check = 'tls only'
  if (plainHttp) {
    return {
      check,
      state: 'warning',
      detail: 'this store is reached over plain http: whoever is on the way can read along',
      fix: 'Give the server a certificate, and name it with https://.',
    }
  }
  if (!policy.known) return unchecked(check, policy.why)
  if (policy.value?.Statement.some((statement) => refusesPlainHttp(statement, arn))) {
    return {check, state: 'ok', detail: 'requests without TLS are refused'}
  }
  return {
    check,
    state: 'missing',
    detail: 'the bucket policy takes requests without TLS',
    change: {
      to: {type: 'policy', policy: withTlsOnly(policy.value, arn)},
      makes: policy.value === undefined ? 'created' : 'changed',
      done:
        policy.value === undefined
          ? 'requests without TLS are refused'
          : 'requests without TLS are refused; the other statements of the policy stay',
    },
  }
}

/** The policy with our statement at its end; every other statement is as it was. */
export function withTlsOnly(policy: PolicyDocument | undefined, arn: string): PolicyDocument {
  const statements = policy?.Statement ?? []
  const taken = new Set(statements.map(({Sid}) => Sid))
  let sid = SID
  for (let number = 2; taken.has(sid); number++) sid = `${SID}${number}`
  return {...(policy ?? {Version: POLICY_VERSION}), Statement: [...statements, tlsOnlyStatement(arn, sid)]}
}

/** Resources may be CloudFormation's as well as ARNs. */
export function tlsOnlyStatement(arn: string, sid = SID): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn, `${arn}/*`],
    Condition: {Bool: {'aws:SecureTransport': 'false'}},
  }
}

function refusesPlainHttp({Effect, Principal, Action, Resource, Condition}: PolicyStatement, arn: string): boolean {
  const principals = typeof Principal === 'object' ? [Principal['AWS'] ?? []].flat() : [Principal]
  const resources = [Resource ?? []].flat()
  const {Bool, ...others} = Condition ?? {}
  return (
    Effect === 'Deny' &&
    principals.includes('*') &&
    [Action ?? []].flat().some((action) => action === '*' || action === 's3:*') &&
    (resources.includes('*') || (resources.includes(arn) && resources.includes(`${arn}/*`))) &&
    // A further condition would let some requests through.
    Object.keys(others).length === 0 &&
    Object.keys(Bool ?? {}).length === 1 &&
    [Bool?.['aws:SecureTransport']].flat().map(String).join(' ') === 'false'
  )
}
