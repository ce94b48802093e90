/** The few words of CloudFormation's language that our template needs. */

export const NO_VALUE = {Ref: 'AWS::NoValue'} as const

/** Texts that hold `${…}` are made CloudFormation's to fill in. */
export function substituted(value: unknown): unknown {
  if (typeof value === 'string') return /\$\{(?!!)/u.test(value) ? {'Fn::Sub': value} : value.replaceAll('${!', '${')
  if (Array.isArray(value)) return value.map(substituted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, substituted(each)]))
}

export function choice(condition: string, yes: unknown, no: unknown) {
  return {'Fn::If': [condition, yes, no]}
}

export function text(what: string, value: string, pattern: string) {
  return {Type: 'String', Description: what, Default: value, AllowedPattern: pattern}
}

export function principal(what: string) {
  return text(`${what}: ARN of a role or user; empty: whoever this account lets`, '', '^$|^arn:.+')
}

export function isGiven(parameter: string) {
  return {'Fn::Not': [{'Fn::Equals': [{Ref: parameter}, '']}]}
}

export function output(what: string, value: unknown) {
  return {Description: what, Value: value}
}

export function arnOf(resource: string) {
  return {'Fn::GetAtt': [resource, 'Arn']}
}
