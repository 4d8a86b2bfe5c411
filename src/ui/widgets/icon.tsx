import type { LucideIcon } from 'lucide-react'

/** An icon beside or instead of words; the words or the button's label say what it means, so it is hidden from readers. */
export function Icon({ of: Glyph, size = 15 }: { readonly of: LucideIcon; readonly size?: number }) {
  return <Glyph size={size} strokeWidth={1.9} aria-hidden="true" focusable="false" />
}
