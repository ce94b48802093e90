import {setTimeout as delay} from 'node:timers/promises'
import {xmlError} from './xml.js'
export function errorAnswer(error, resource, requestId) {
  const document = {
    Code: error.code,
    Message: error.message,
    ...error.elements,
    Resource: resource,
    RequestId: requestId,
    HostId: 'strict-s3',
  }
  return {
    status: error.status,
    headers: {'content-type': 'application/xml', ...error.headers},
    body: xmlError(document),
  }
}
/**
 * Sends an answer, or as much of it as the verdict lets through.
 *
 * @returns the bytes of its body that went out
 */
export async function sendAnswer(response, answer, verdict) {
  if (verdict.afterMs > 0) await delay(verdict.afterMs)
  const fault = verdict.fault
  if (fault?.type === 'reset' && fault.at === 'after') {
    response.destroy()
    return 0
  }
  const chunks = bodyChunks(answer)
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  if (answer.status !== 204 && answer.status !== 304) response.setHeader('content-length', answer.contentLength ?? size)
  response.writeHead(answer.status)
  if (response.req.method === 'HEAD' || answer.status === 204 || answer.status === 304) {
    response.end()
    return 0
  }
  if (fault?.type === 'reset') {
    const half = Buffer.concat(chunks).subarray(0, Math.floor(size / 2))
    await write(response, half)
    // Let the half go out before the connection is cut.
    await delay(20)
    response.destroy()
    return half.length
  }
  const sent = fault?.type === 'corrupt' ? flipByte(chunks) : chunks
  for (const chunk of sent) {
    if (!(await write(response, chunk))) return response.socket?.bytesWritten ?? 0
  }
  response.end()
  return size
}
function bodyChunks(answer) {
  if (answer.body === undefined) return []
  return typeof answer.body === 'string' ? [Buffer.from(answer.body)] : answer.body
}
/** In the middle, so that a reader which looks at both ends only does not notice. */
function flipByte(chunks) {
  const copy = Buffer.concat(chunks)
  const middle = Math.floor(copy.length / 2)
  if (copy.length > 0) copy[middle] = copy[middle] ^ 1
  return [copy]
}
/** @returns false when the client is gone */
async function write(response, chunk) {
  if (response.destroyed) return false
  if (response.write(chunk)) return true
  return new Promise((resolve) => {
    const done = (writable) => () => {
      response.off('drain', drained)
      response.off('close', closed)
      resolve(writable)
    }
    const drained = done(true)
    const closed = done(false)
    response.once('drain', drained)
    response.once('close', closed)
  })
}
