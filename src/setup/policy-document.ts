/** An IAM or bucket policy. Loose: what others wrote into one is passed on as it is. */
export interface PolicyDocument {
  readonly Version?: string
  readonly Id?: string
  readonly Statement: readonly PolicyStatement[]
}

export interface PolicyStatement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>
  readonly Action?: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | boolean | readonly string[]>>>>
}

export const POLICY_VERSION = '2012-10-17'

/** @returns undefined for a text that is no policy. A single statement may stand without a list. */
export function readPolicy(text: string): PolicyDocument | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null
    const statements = [value?.['Statement']].flat()
    if (!statements.every((each) => typeof each === 'object' && each !== null)) return undefined
    return {...value, Statement: statements as PolicyStatement[]}
  } catch {
    return undefined
  }
}

/** `aws`, or what stands in its place where the region belongs to a cloud of its own. */
export function partitionOf(region: string | undefined): string {
  if (region?.startsWith('cn-')) return 'aws-cn'
  return region?.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** A text that a policy takes literally: without this `*`, `?` and `${` would mean something. */
export function literally(text: string): string {
  return text.replaceAll(/[*?$]/g, (character) => `\${${character}}`)
}
