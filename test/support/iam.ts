import type {PolicyDocument, PolicyStatement} from '../../src/setup/policy-document.js'

/** One thing that somebody wants to do, as IAM sees it. */
export interface IamRequest {
  /** `s3:GetObject` */
  readonly action: string
  /** ARN. */
  readonly resource: string
  /** Condition keys of the request, and those of its principal (`aws:PrincipalTag/task`). A list is a key with several values. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

/**
 * IAM for the part of its language that our policies use: a denial beats everything, what no statement allows is refused. Throws on
 * an element or operator that it does not know, so that nothing passes for want of understanding.
 */
export function isAllowed(policy: PolicyDocument, request: IamRequest): boolean {
  const matching = policy.Statement.filter((statement) => matches(statement, request))
  return matching.some(({Effect}) => Effect === 'Allow') && !matching.some(({Effect}) => Effect === 'Deny')
}

const ELEMENTS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'])

function matches(statement: PolicyStatement, request: IamRequest): boolean {
  const unknown = Object.keys(statement).find((name) => !ELEMENTS.has(name))
  if (unknown !== undefined) throw new Error(`this evaluator does not know the element ${unknown}`)
  const actions = [statement.Action ?? []].flat()
  const resources = [statement.Resource ?? []].flat()
  return (
    actions.some((action) => like(action.toLowerCase(), request.action.toLowerCase(), request)) &&
    resources.some((resource) => like(resource, request.resource, request)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, key, [wanted].flat().map(String), request)),
    )
  )
}

function holds(operator: string, key: string, wanted: readonly string[], request: IamRequest): boolean {
  const found = request.context?.[key]
  const values = found === undefined ? [] : [found].flat()
  const [set, name = ''] = operator.includes(':') ? operator.split(':') : ['', operator]
  const test = (value: string) =>
    wanted.some((each) => (name === 'StringLike' ? like(each, value, request) : literal(each, request) === value))
  if (!['StringLike', 'StringEquals', 'Bool'].includes(name)) throw new Error(`unknown operator ${operator}`)
  // Without the key: every one of no values holds, none of them does.
  if (set === 'ForAllValues') return values.every(test)
  if (set === 'ForAnyValue' || set === '') return values.some(test)
  throw new Error(`unknown operator ${operator}`)
}

/** A variable that the request does not have matches nothing. */
function like(pattern: string, text: string, request: IamRequest): boolean {
  let isKnown = true
  const pieces = [...pattern.matchAll(/\$\{([^}]*)\}|\*|\?|[^$*?]+|\$/g)].map(([piece, variable]) => {
    if (variable !== undefined) {
      const value = valueOf(variable, request)
      isKnown &&= value !== undefined
      return escape(value ?? '')
    }
    if (piece === '*') return '.*'
    return piece === '?' ? '.' : escape(piece)
  })
  return isKnown && new RegExp(`^${pieces.join('')}$`, 's').test(text)
}

function literal(text: string, request: IamRequest): string {
  return text.replaceAll(/\$\{([^}]*)\}/g, (_, variable: string) => valueOf(variable, request) ?? '\0')
}

function valueOf(variable: string, request: IamRequest): string | undefined {
  if (['*', '?', '$'].includes(variable)) return variable
  const value = request.context?.[variable]
  return typeof value === 'string' ? value : undefined
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^$()|[\]\\{}/-]/g, String.raw`\$&`)
}
