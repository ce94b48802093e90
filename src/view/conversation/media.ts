import type {Media} from '../../transcript/conversation/model.js'
import {formatBytes} from '../bytes.js'
import {sanitizeLine} from '../sanitize.js'
import {paint, type TextOptions} from './style.js'

/** A line for each thing that is no text. */
export function mediaLines(media: readonly Media[], options: TextOptions): readonly string[] {
  return media.map(({type, mediaType = type, bytes}) =>
    paint(`[${sanitizeLine(mediaType)}, ${formatBytes(bytes)}]`, 'dim', options),
  )
}
