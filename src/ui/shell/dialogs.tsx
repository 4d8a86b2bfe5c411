import { lazy, Suspense } from 'react'
import { assertNever } from '../../base/assert-never.ts'
import type { Dialog } from '../../store/state.ts'
import { Opener } from '../panels/opener/opener.tsx'
import { KeysHelp } from './keys-help.tsx'
import { Palette } from './palette.tsx'

const Lab = lazy(() => import('../panels/lab/lab.tsx'))
const Fidelity = lazy(() => import('../panels/fidelity/fidelity.tsx'))
const Editor = lazy(() => import('../panels/editor/editor.tsx'))

/** Everything that opens over the page; loaded when first wanted. */
export default function Dialogs({ dialog }: { readonly dialog: Dialog }) {
  switch (dialog) {
    case 'open':
      return <Opener />
    case 'edit':
      return (
        <Suspense fallback={null}>
          <Editor />
        </Suspense>
      )
    case 'lab':
      return (
        <Suspense fallback={null}>
          <Lab />
        </Suspense>
      )
    case 'fidelity':
      return (
        <Suspense fallback={null}>
          <Fidelity />
        </Suspense>
      )
    case 'keys':
      return <KeysHelp />
    case 'palette':
      return <Palette />
    default:
      return assertNever(dialog, 'dialog')
  }
}
