import { FileInput } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useApp, useAppContext } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { Icon } from '../../widgets/icon.tsx'
import { droppedFiles } from './files.ts'
import './opener.css'

const hasFiles = (e: DragEvent): boolean => e.dataTransfer?.types.includes('Files') === true

/** Files dropped anywhere on the page open; a sheet over it says so while they hover. */
export default function DropTarget() {
  const words = usePanelWords()
  const { store } = useAppContext()
  const openDialog = useApp((s) => s.openDialog)
  const [over, setOver] = useState(false)
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const on = (type: 'dragover' | 'dragleave' | 'drop', listener: (e: DragEvent) => void) =>
      addEventListener(type, listener, { signal })
    on('dragover', (e) => {
      if (!hasFiles(e)) return
      e.preventDefault()
      setOver(true)
    })
    on('dragleave', (e) => {
      if (e.relatedTarget === null) setOver(false)
    })
    on('drop', async (e) => {
      if (!hasFiles(e) || e.dataTransfer === null) return
      e.preventDefault()
      setOver(false)
      openDialog(undefined)
      const files = await droppedFiles(e.dataTransfer)
      if (files.length > 0) await store.getState().openFiles(files)
    })
    return () => controller.abort()
  }, [store, openDialog])
  return over ? (
    <div className="drop-sheet" aria-hidden="true">
      <div>
        <Icon of={FileInput} size={30} />
        {words.open.dropNow}
      </div>
    </div>
  ) : null
}
