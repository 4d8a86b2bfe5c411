/**
 * Lines that a terminal put around what kubectl printed: prompts, warnings, and errors about other objects. They become
 * comments of the same length, so that positions stay.
 */
export const withoutTerminalLines = (text: string): string =>
  text.replace(/^(?:\$ kubectl |Error from server |Warning: ).*$/gm, (line) => `#${line.slice(1)}`)
