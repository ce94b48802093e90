const segmenter = new Intl.Segmenter('en', {granularity: 'grapheme'})
const NARROW = /^[\u0020-\u007E\u00A1-\u02FF]*$/u
// East Asian wide and full-width ranges, and what terminals draw as emoji.
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\u9FFF\uA000-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{17000}-\u{18CFF}\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]/u
const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F|\p{Regional_Indicator}/u
const NOTHING = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u

/** Terminal columns that a text without control characters takes. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const {segment} of segmenter.segment(text)) width += graphemeWidth(segment)
  return width
}

/** The text in at most `width` columns, its end replaced by `…` when it is longer. Never cuts a character in two. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const {segment} of segmenter.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width) break
    kept += segment
  }
  return width < 1 ? '' : `${kept}…`
}

/** The text's beginning that fits into `width` columns, at least one character of it, and the rest. Never cuts a character in two. */
export function splitAt(text: string, width: number): readonly [head: string, rest: string] {
  let used = 0
  for (const {segment, index} of segmenter.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width && index > 0) return [text.slice(0, index), text.slice(index)]
  }
  return [text, '']
}

function graphemeWidth(grapheme: string): number {
  if (NOTHING.test(grapheme)) return 0
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1
}
