/** A frame on one device, from a capture or from the engine. */
export interface SeenFrame {
  readonly bytes: Uint8Array
  /** The engine's step; absent for a captured frame. */
  readonly seq?: number
}

/** By `netns/device`, in the order in which the device saw them. */
export type DeviceFrames = ReadonlyMap<string, readonly SeenFrame[]>
