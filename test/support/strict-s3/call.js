export const bucketOf = (call) => call.store.bucket(call.bucketName)
/** A header's value; repeated headers are joined as HTTP does. */
export function headerOf(call, name) {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
export const xmlAnswer = (body, headers = {}) => ({
  status: 200,
  headers: {'content-type': 'application/xml', ...headers},
  body,
})
export const quoted = (etag) => `"${etag}"`
