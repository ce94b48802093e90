import type {ObjectBody} from './object-store.js'

/** A body of which each chunk is shown to `onChunk` as it is read. Bytes in memory are no stream and pass as they are. */
export function tapBody(body: ObjectBody, onChunk: (bytes: number) => void): ObjectBody {
  if (body instanceof Uint8Array) return body
  return {
    size: body.size,
    async *open() {
      for await (const chunk of body.open()) {
        onChunk(chunk.byteLength)
        yield chunk
      }
    },
  }
}
