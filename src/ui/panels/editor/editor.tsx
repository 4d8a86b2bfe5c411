import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language'
import { type Diagnostic, linter, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef, useState } from 'react'
import { useApp, useAppContext } from '../../context.tsx'
import { usePanelWords } from '../../i18n/panel-words.ts'
import { Kbd } from '../../widgets/kbd.tsx'
import { Modal } from '../../widgets/modal.tsx'
import { editorTheme } from './editor-theme.ts'
import './editor.css'

interface Problem {
  readonly message: string
  readonly line?: number
  readonly column?: number
  readonly path?: string
}

/** Where a problem is, as a range of the text; one without a line is said at the first. */
function diagnosticsOf(state: EditorState, problems: readonly Problem[]): Diagnostic[] {
  return problems.map((p) => {
    const line = state.doc.line(Math.max(1, Math.min(state.doc.lines, p.line ?? 1)))
    const from = Math.min(line.to, line.from + Math.max(0, (p.column ?? 1) - 1))
    return { from, to: line.to, severity: 'error', message: p.path === undefined ? p.message : `${p.path}: ${p.message}` }
  })
}

/** The document as YAML: checked while it is typed, run when it is wished. */
export default function Editor() {
  const words = usePanelWords()
  const { actions } = useAppContext()
  const draft = useApp((s) => s.draft)
  const imported = useApp((s) => s.session?.provenance.kind === 'imported')
  const openDialog = useApp((s) => s.openDialog)
  const openText = useApp((s) => s.openText)
  const set = useApp((s) => s.set)
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | undefined>(undefined)
  const original = useRef('')
  const [problems, setProblems] = useState<readonly Problem[] | undefined>(draft?.errors)
  const file = 'scenario.yaml'

  const apply = useRef(async () => {})
  apply.current = async () => {
    const text = view.current?.state.doc.toString() ?? ''
    const found = await actions.validate(text, file)
    setProblems(found)
    const editor = view.current
    if (editor !== undefined) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state, found)))
    if (found.length > 0) return
    if (await openText(text, file)) openDialog(undefined)
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: one editor for the life of the dialog
  useEffect(() => {
    let alive = true
    const start = async () => {
      const text = draft?.text ?? (await actions.toYaml()) ?? ''
      const parent = host.current
      if (!alive || parent === null) return
      original.current = text
      view.current = new EditorView({
        parent,
        state: EditorState.create({
          doc: text,
          extensions: [
            lineNumbers(),
            foldGutter(),
            lintGutter(),
            history(),
            drawSelection(),
            indentOnInput(),
            bracketMatching(),
            highlightActiveLine(),
            highlightSpecialChars(),
            yaml(),
            editorTheme,
            EditorState.phrases.of(words.edit.phrases),
            EditorView.contentAttributes.of({ 'aria-label': words.edit.label, tabindex: '0' }),
            linter(
              async (v) => {
                const found = await actions.validate(v.state.doc.toString(), file)
                setProblems(found)
                return diagnosticsOf(v.state, found)
              },
              { delay: 350 },
            ),
            keymap.of([
              {
                key: 'Mod-Enter',
                run: () => {
                  void apply.current()
                  return true
                },
              },
              ...defaultKeymap,
              ...historyKeymap,
              ...foldKeymap,
              ...lintKeymap,
              indentWithTab,
            ]),
          ],
        }),
      })
      view.current.focus()
    }
    void start()
    return () => {
      alive = false
      view.current?.destroy()
      view.current = undefined
    }
  }, [])

  const goTo = (p: Problem) => {
    const editor = view.current
    if (editor === undefined) return
    const at = diagnosticsOf(editor.state, [p])[0]?.from ?? 0
    editor.dispatch({ selection: { anchor: at }, scrollIntoView: true })
    editor.focus()
  }
  const revert = () => {
    const editor = view.current
    if (editor === undefined) return
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: original.current } })
  }
  const close = () => {
    set({ draft: undefined })
    openDialog(undefined)
  }
  return (
    <Modal title={words.edit.title} wide onClose={close}>
      {imported && draft === undefined ? (
        <p className="modal-content">{words.edit.imported}</p>
      ) : (
        <>
          <div className="editor-host" ref={host} />
          <div className="editor-foot">
            <div className="editor-problems" role="status">
              {problems === undefined ? (
                <span className="faint">{words.edit.checking}</span>
              ) : problems.length === 0 ? (
                <span className="now">{words.edit.valid}</span>
              ) : (
                <>
                  <span className="was">{words.edit.problems(problems.length)}</span>
                  {problems.slice(0, 3).map((p) => (
                    <button
                      key={`${p.line ?? 0} ${p.path ?? ''} ${p.message}`}
                      type="button"
                      className="ref"
                      onClick={() => goTo(p)}
                    >
                      {p.line === undefined ? '' : `${words.edit.line(p.line)}: `}
                      {p.path === undefined ? '' : `${p.path}: `}
                      <span lang="en">{p.message}</span>
                    </button>
                  ))}
                </>
              )}
            </div>
            <button type="button" className="btn" onClick={revert}>
              {words.edit.revert}
            </button>
            <button type="button" className="btn btn-primary" onClick={() => void apply.current()}>
              {words.edit.apply} <Kbd>{words.edit.applyKeys}</Kbd>
            </button>
          </div>
        </>
      )}
    </Modal>
  )
}
