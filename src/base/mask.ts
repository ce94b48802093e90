const MASK = '***'

/** Each pattern keeps its named group `keep`, so that a reader still sees what kind of secret stood there. */
const PATTERNS: readonly RegExp[] = [
  // Userinfo of a URL, up to the last @ before the path: secrets may hold an @ themselves.
  /(?<keep>\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]+(?=@)/gi,
  // The whole header value: its pieces (credential, signed headers, signature) help an attacker only.
  /(?<keep>\b(?:proxy-)?authorization["']?\s*[:=]\s*["'])[^"'\r\n]*/gi,
  /(?<keep>\b(?:proxy-)?authorization["']?\s*[:=]\s*)(?![\s"'])[^\r\n]+/gi,
  /(?<keep>\bAWS4-HMAC-SHA256\s+)Credential=[^\r\n"']+/g,
  /(?<keep>\bBearer\s+)[\w.~+/=-]{8,}/gi,
  /(?<keep>\bX-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"'<>]+/gi,
  /(?<keep>["']?\bx-amz-security-token["']?\s*[:=]\s*["']?)[^\s"',;&<>]+/gi,
  // Named secrets in JSON, INI, XML and environment notation.
  /(?<keep>["']?\b(?:aws_?)?(?:secret_?access_?key|session_?token|security_?token)["']?\s*[:=]\s*["']?)[^\s"',;&<>]+/gi,
  /(?<keep><(?:SecretAccessKey|SessionToken|AWSAccessKeyId|SignatureProvided|StringToSign|CanonicalRequest)>)[^<]+/gi,
  /(?<keep>\b(?:signature)["']?\s*[:=]\s*["']?)[0-9a-f]{40,}/gi,
  /(?<keep>\bsk-ant-)[\w-]+/g,
  // Access key ids: the kind is public, the rest is not.
  /(?<keep>\b(?:AKIA|ASIA|AROA|AIDA))[A-Z0-9]{12,}\b/g,
]

/** Forty characters of base64 with small and capital letters and digits: what an AWS secret key looks like. */
const BARE_SECRET = /(?<![\w+/=-])(?=[\w+/]*[a-z])(?=[\w+/]*[A-Z])(?=[\w+/]*\d)[A-Za-z0-9+/]{40}(?![\w+/=-])/g

/** Each round masks at least one secret more; nobody prints so many in a row. */
const MOST_ROUNDS = 16

/**
 * Takes credentials out of a text for logs and errors: AWS key ids, secret keys, session tokens and signatures,
 * authorization headers, bearer tokens, `sk-ant-` keys and the userinfo of URLs. Never throws; masking a masked text
 * changes nothing. It is the last line of defence, not a licence to log what may hold a secret.
 */
export function maskSecrets(text: string): string {
  let masked = text
  // What was masked may end where another secret begins that was part of the same word before.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = maskOnce(masked)
    if (next === masked) return masked
    masked = next
  }
  return masked
}

function maskOnce(text: string): string {
  let masked = text
  for (const pattern of PATTERNS) masked = masked.replace(pattern, `$<keep>${MASK}`)
  return masked.replace(BARE_SECRET, MASK)
}
