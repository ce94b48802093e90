import type {SecretLintCoreConfig} from '@secretlint/types'

/** A text that looks like a secret, and the name of the rule that says so: `[start, end)`, in UTF-16 code units. */
export interface SecretMatch {
  readonly rule: string
  readonly start: number
  readonly end: number
}

/** Looks for secrets in a short text. One secret may be found by several rules, and by one of them more than once. */
export type SecretRules = (text: string) => Promise<readonly SecretMatch[]>

const EXAMPLE = /EXAMPLE/

/**
 * What providers hand out and the preset does not know (newer forms of keys, and pairs that only together are a secret), and what it finds
 * without telling where. The group `secret` is what is secret of a match, else all of it is.
 */
const OWN: readonly {readonly rule: string; readonly find: (text: string) => Iterable<readonly [number, number]>}[] = [
  {rule: 'anthropic', find: matching(/sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{32,}/dg)},
  {rule: 'openai', find: matching(/sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}/dg)},
  {rule: 'github', find: matching(/github_pat_[A-Za-z0-9_]{40,}/dg)},
  {rule: 'aws', find: awsPairs},
  {
    rule: 'aws',
    find: matching(
      /(?:SECRET|[Ss]ecret)_?(?:ACCESS|[Aa]ccess)_?(?:KEY|[Kk]ey)["']?\s*(?::|=>|=)\s*["']?(?<secret>(?![A-Za-z0-9/+=]*EXAMPLE)[A-Za-z0-9/+=]{40})["']?\b/dg,
    ),
  },
  {
    rule: 'privatekey',
    find: matching(
      /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?<secret>[A-Za-z0-9+/=\s\\]{64,})/dg,
    ),
  },
]

function matching(pattern: RegExp): (text: string) => Iterable<readonly [number, number]> {
  return function* find(text) {
    for (const {indices} of text.matchAll(pattern)) {
      const range = indices?.groups?.['secret'] ?? indices?.[0]
      if (range) yield range
    }
  }
}

const BEFORE_ID = 200
const BEHIND_ID = 220

/** An access key id is no secret; forty characters of base64 close to one are its secret key. */
function* awsPairs(text: string): Iterable<readonly [number, number]> {
  for (const {0: id, index} of text.matchAll(/(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])/g)) {
    if (EXAMPLE.test(id)) continue
    const from = Math.max(0, index - BEFORE_ID)
    const near = text.slice(from, index + BEHIND_ID)
    for (const {0: secret, index: at} of near.matchAll(/(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g)) {
      if (!EXAMPLE.test(secret) && !/^[0-9a-f]{40}$/.test(secret)) yield [from + at, from + at + secret.length]
    }
  }
}

/** Takes tens of milliseconds to load: call it when there is something to look at. */
export async function loadSecretRules(): Promise<SecretRules> {
  const [{lintSource}, preset] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ])
  // Comments that switch rules off are for files that people keep. What an agent has read must not silence a warning.
  const rules = preset.rules.filter((rule) => !rule.meta.id.endsWith('-filter-comments'))
  const config: SecretLintCoreConfig = {rules: rules.map((rule) => ({id: rule.meta.id, rule, options: {}}))}
  return async (text) => {
    const found: SecretMatch[] = []
    for (const {rule, find} of OWN) for (const [start, end] of find(text)) found.push({rule, start, end})
    try {
      const source = {filePath: 'transcript.txt', content: text, contentType: 'text', ext: '.txt'} as const
      const {messages} = await lintSource({source, options: {config, maskSecrets: true, noPhysicFilePath: true}})
      for (const {ruleId, range} of messages) {
        const [start, end] = range
        found.push({rule: ruleId.replace(/^.*secretlint-rule-/, ''), start, end})
      }
    } catch {
      // A rule that fails on a hostile text finds nothing there.
    }
    return found
  }
}
