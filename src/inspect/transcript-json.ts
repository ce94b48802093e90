import type {SessionOrigin, TranscriptOrigin} from './session-origin.js'

/** docs/json-output.md, `cat`. The bytes as base64, since they need not be text. All of them are in memory. */
export async function transcriptJson(
  {place, source}: SessionOrigin,
  {name, read}: Pick<TranscriptOrigin, 'name' | 'read'>,
): Promise<Record<string, unknown>> {
  const chunks: Uint8Array[] = []
  for await (const chunk of read()) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return {...name, place, source, bytes: bytes.length, base64: bytes.toString('base64')}
}
