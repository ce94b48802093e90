export const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Texts that hold a secret, by the rule that finds it. Put together here, so that no scanner takes this file for a leak. */
export const SAMPLES: Readonly<Record<string, string>> = {
  anthropic: glue('sk-ant-', 'api03-', chars(93), 'AA'),
  'anthropic of another kind': glue('sk-ant-', 'oat01-', chars(86)),
  openai: glue('sk-', 'proj-', chars(120)),
  github: glue('gh', 'p_', chars(36)),
  'github, fine-grained': glue('github_', 'pat_', chars(22), '_', chars(59)),
  aws: glue('AWS_SECRET_ACCESS_KEY=', chars(40)),
  'aws, by its neighbour': glue('AK', 'IA', chars(16).toUpperCase(), ' and ', chars(20), '/', chars(19)),
  privatekey: glue(
    '-----BEGIN RSA ',
    'PRIVATE KEY-----\n',
    `MI${chars(62)}\n${chars(64)}\n${chars(64)}\n`,
    '-----END RSA PRIVATE KEY-----\n',
  ),
  slack: glue('xox', 'b-', '123456789012-123456789012-', chars(24)),
  basicauth: glue('https://someone', ':', chars(20), '@git.example.org/a'),
  npm: glue('npm', '_', chars(36)),
  gitlab: glue('gl', 'pat-', chars(20)),
}

export function glue(...pieces: readonly string[]): string {
  return pieces.join('')
}

/** Deterministic, and unlike anything else in a finding. */
export function chars(count: number): string {
  let text = ''
  for (let index = 0; index < count; index++)
    text += ALPHANUMERIC[(index * 37 + count * 11 + ((index * index) % 23)) % 62]
  return text
}
