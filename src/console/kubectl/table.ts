/** kubectl's tables: columns as wide as their widest cell, three spaces between, the last one unpadded (tabwriter, cell width 6). */
export function printTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 3, cell.length)
  return rows
    .map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + 3))).join('')}\n`)
    .join('')
}

/** The first three, and how many more: formatEndpoints(), formatDiscoveryPorts() of kubectl's printers. */
export function firstThree(list: readonly string[], none: string): string {
  if (list.length === 0) return none
  const more = list.length - 3
  return more > 0 ? `${list.slice(0, 3).join(',')} + ${more} more...` : list.join(',')
}
