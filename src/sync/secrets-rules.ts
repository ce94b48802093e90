import type {SecretLintCoreConfig} from '@secretlint/types'

/** Looks for secrets in a short text. @returns names of the rules that match; never anything of the text. */
export type SecretRules = (text: string) => Promise<ReadonlySet<string>>

const EXAMPLE = /EXAMPLE/

/** What providers hand out and the preset does not know: newer forms of keys, and pairs that only together are a secret. */
const OWN: readonly {readonly rule: string; readonly matches: (text: string) => boolean}[] = [
  {rule: 'anthropic', matches: (text) => /sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{32,}/.test(text)},
  {rule: 'openai', matches: (text) => /sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}/.test(text)},
  {rule: 'github', matches: (text) => /github_pat_[A-Za-z0-9_]{40,}/.test(text)},
  {rule: 'aws', matches: awsPair},
  {
    rule: 'privatekey',
    matches: (text) =>
      /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\]{64}/.test(text),
  },
]

/** An access key id is no secret; forty characters of base64 close to one are its secret key. */
function awsPair(text: string): boolean {
  for (const {0: id, index} of text.matchAll(/(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])/g)) {
    if (EXAMPLE.test(id)) continue
    const near = text.slice(Math.max(0, index - 200), index + 220)
    for (const [secret] of near.matchAll(/(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/g)) {
      if (!EXAMPLE.test(secret) && !/^[0-9a-f]{40}$/.test(secret)) return true
    }
  }
  return false
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
    const found = new Set(OWN.filter(({matches}) => matches(text)).map(({rule}) => rule))
    try {
      const source = {filePath: 'transcript.txt', content: text, contentType: 'text', ext: '.txt'} as const
      const {messages} = await lintSource({source, options: {config, maskSecrets: true, noPhysicFilePath: true}})
      for (const {ruleId} of messages) found.add(ruleId.replace(/^.*secretlint-rule-/, ''))
    } catch {
      // A rule that fails on a hostile text finds nothing there.
    }
    return found
  }
}
