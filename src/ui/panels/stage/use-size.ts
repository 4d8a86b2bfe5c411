import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

export interface Size {
  readonly width: number
  readonly height: number
}

/** Size of an element in CSS pixels, kept current; undefined before it is known. */
export function useSize(ref: RefObject<HTMLElement | null>): Size | undefined {
  const [size, setSize] = useState<Size | undefined>(undefined)
  useLayoutEffect(() => {
    const el = ref.current
    if (el === null) return
    const read = () => {
      const { clientWidth: width, clientHeight: height } = el
      setSize((before) => (before?.width === width && before.height === height ? before : { width, height }))
    }
    read()
    const observer = new ResizeObserver(read)
    observer.observe(el)
    return () => observer.disconnect()
  }, [ref])
  return size
}

/** Rooms that differ by less share a layout: a sentence below that takes another line must not rearrange the drawing. */
const ROOM_SLACK = 110

/** The room that the drawing is laid out for: it follows the size only in large steps. */
export function useRoom(size: Size | undefined): Size | undefined {
  const room = useRef<Size | undefined>(undefined)
  if (size !== undefined && size.width > 0 && size.height > 0) {
    const before = room.current
    const near =
      before !== undefined &&
      Math.abs(before.width - size.width) < ROOM_SLACK &&
      Math.abs(before.height - size.height) < ROOM_SLACK
    if (!near) room.current = size
  }
  return room.current
}
