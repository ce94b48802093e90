/** No bucket's name can begin with an underscore. */
export const CONTROL_PREFIX = '/_strict/'
/**
 * How a test steers a server in another process: `GET stats|log|memory`, `POST reset|faults|deny|settings|shutdown`, `DELETE faults`.
 * No credentials: the server listens on the loopback only.
 */
export async function control(service, request, response, shutdown) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const message = chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'))
  const name = `${request.method ?? ''} ${(request.url ?? '').slice(CONTROL_PREFIX.length)}`
  const result = command(service, name, message, shutdown)
  const body = JSON.stringify(result ?? {error: `no such control: ${name}`})
  response.writeHead(result === undefined ? 404 : 200, {'content-type': 'application/json'}).end(body)
}
function command(service, name, message, shutdown) {
  const {requests, faults, settings, clock} = service
  switch (name) {
    case 'GET stats':
      return requests.stats()
    case 'GET log':
      return requests.entries
    case 'GET memory':
      return process.memoryUsage()
    case 'POST reset':
      requests.reset()
      return {}
    case 'POST faults':
      faults.add(message)
      return {}
    case 'DELETE faults':
      faults.clear()
      return {}
    case 'POST deny': {
      const {operation, keyPrefix, accessKeyId} = message
      faults.deny(operation, keyPrefix, accessKeyId)
      return {}
    }
    case 'POST settings': {
      const {clockOffsetMs, ...changes} = message
      Object.assign(settings, changes)
      if (clockOffsetMs !== undefined) clock.offsetMs = clockOffsetMs
      return {...settings, clockOffsetMs: clock.offsetMs}
    }
    case 'POST shutdown':
      setImmediate(shutdown)
      return {}
    default:
      return undefined
  }
}
