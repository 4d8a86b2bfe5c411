import { fontOf, type Measure, measureRoughly } from '../../../diagram/text.ts'

/** Measures with the fonts that the page really uses. */
export function browserMeasure(): Measure {
  const ctx = document.createElement('canvas').getContext('2d')
  if (ctx === null) return measureRoughly
  return (text, style) => {
    ctx.font = fontOf(style)
    return ctx.measureText(text).width
  }
}
