import type { InputFile } from '../../../worker/protocol.ts'

/** Reads dropped or chosen files as text, in the order of their names, so that one folder always opens alike. */
export async function readFiles(files: readonly File[]): Promise<InputFile[]> {
  const read = await Promise.all(files.map(async (f) => ({ name: f.webkitRelativePath || f.name, text: await f.text() })))
  return read.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** Every file of a drop, folders walked. Browsers without entries give the plain list. */
export async function droppedFiles(data: DataTransfer): Promise<InputFile[]> {
  const entries = [...data.items].map((i) => i.webkitGetAsEntry?.()).filter((e) => e !== null && e !== undefined)
  if (!entries.some((e) => e.isDirectory)) return readFiles([...data.files])
  const found: { readonly path: string; readonly file: File }[] = []
  await Promise.all(entries.map((e) => walk(e, found)))
  const read = await Promise.all(found.map(async ({ path, file }) => ({ name: path, text: await file.text() })))
  return read.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function walk(entry: FileSystemEntry, found: { path: string; file: File }[]): Promise<void> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject))
    found.push({ path: entry.fullPath.replace(/^\//, ''), file })
  } else if (isDirectory(entry)) {
    const reader = entry.createReader()
    // A reader gives at most a hundred entries at a time, and nothing when it is done.
    for (;;) {
      const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
      if (batch.length === 0) return
      await Promise.all(batch.map((e) => walk(e, found)))
    }
  }
}

const isFile = (e: FileSystemEntry): e is FileSystemFileEntry => e.isFile
const isDirectory = (e: FileSystemEntry): e is FileSystemDirectoryEntry => e.isDirectory
